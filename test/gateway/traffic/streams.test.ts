import { afterEach, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import { OpenStreams } from "#gateway/traffic/streams";
import { Traffic } from "#gateway/traffic/traffic";
import { silentTelemetry } from "#host/silent-telemetry";

afterEach(() => vi.unstubAllGlobals());

const opened = () => new OpenStreams(new Traffic(silentTelemetry()).stalled);

test("a request that waits makes no AbortSignal; one that is asked for says the same", () => {
  let made = 0;
  class Counted extends AbortController {
    constructor() {
      super();
      made += 1;
    }
  }
  vi.stubGlobal("AbortController", Counted);
  const streams = opened();
  const wait = streams.open();
  streams.close(wait);
  expect([wait.aborted, made]).toEqual([true, 0]);
  expect([wait.signal.aborted, wait.signal.reason]).toEqual([true, "the stream is over"]);

  const stream = streams.open();
  const { signal } = stream;
  expect([signal.aborted, stream.aborted, signal === stream.signal]).toEqual([false, false, true]);
  stream.gone();
  expect([signal.aborted, stream.aborted]).toEqual([true, true]);
});

test("a listener hears of the end once, whoever ends it, unless it was removed", () => {
  const streams = opened();
  const heard: string[] = [];
  const [gone, ended, answered] = [streams.open(), streams.open(), streams.open()];
  gone.addEventListener("abort", () => heard.push("gone"));
  ended.addEventListener("abort", () => heard.push("ended"));
  const removed = () => heard.push("answered");
  answered.addEventListener("abort", removed);
  answered.removeEventListener("abort", removed);
  gone.gone();
  gone.gone();
  const fault = new Fault("unavailable", "the server is stopping");
  streams.drain(fault);
  streams.close(ended);
  streams.close(answered);
  expect(heard).toEqual(["gone", "ended"]);
  expect([gone.fault, ended.fault]).toEqual([undefined, fault]);
  expect(streams.open().aborted).toBe(true);
});

test("a stream ends with its caller's credential, also if that has ended before its caller was known", () => {
  const streams = opened();
  const over = new Set<string>();
  const fault = new Fault("unauthenticated", "it was revoked");
  const recheck = streams.endWhere(({ principal }) => (over.has(principal) ? fault : undefined));
  const callerOf = (principal: string) => ({ principal, namespaces: "*", roles: [] }) as const;
  const [first, other, unknown] = [streams.open(), streams.open(), streams.open()];
  first.belongTo(callerOf("a"));
  other.belongTo(callerOf("b"));
  recheck();
  expect([first.aborted, other.aborted]).toEqual([false, false]);
  over.add("a");
  recheck();
  expect([first.fault, other.fault, unknown.fault]).toEqual([fault, undefined, undefined]);
  unknown.belongTo(callerOf("a"));
  expect(unknown.fault).toBe(fault);
});
