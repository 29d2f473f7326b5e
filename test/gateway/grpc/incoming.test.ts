import { PassThrough } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { GrpcIncoming } from "#gateway/grpc/incoming";
import { Traffic } from "#gateway/traffic/traffic";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import { envelope } from "../../hostile/raw/raw-http2.js";

const KIB = 1024;

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => vi.useRealTimers());

/** A request, and what grpc-js would be handed of it. */
function incomingOf(streamed: boolean, encoding = "identity") {
  const source = new PassThrough({ highWaterMark: limits.messageBytes });
  const traffic = new Traffic(silentTelemetry(), millis(1_000));
  const refused: Fault[] = [];
  const handed: (Buffer | "end")[] = [];
  const incoming = new GrpcIncoming(source, traffic, {
    streamed,
    encoding,
    carried: () => undefined,
    refuse: (fault) => refused.push(fault),
  });
  incoming.onData = (bytes) => handed.push(bytes);
  incoming.onEnd = () => handed.push("end");
  const said = () => Buffer.concat(handed.filter((each) => each !== "end")).toString("latin1");
  return { source, traffic, refused, handed, incoming, said };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("only whole messages are handed on, however they come, and when they are asked for", async () => {
  const { source, incoming, handed, said } = incomingOf(true);
  const bytes = Buffer.concat([
    envelope(Buffer.from("ab")),
    envelope(Buffer.alloc(0)),
    envelope(Buffer.from("c")),
  ]);
  for (const byte of bytes) {
    source.write(Buffer.of(byte));
    await turn();
  }
  expect(handed).toEqual([]);
  incoming.resume();
  // The first byte of a message that has not come: grpc-js lets go of the one before.
  expect(said()).toBe(`${bytes.toString("latin1")}\0`);
  expect(handed.at(-1)).toEqual(Buffer.of(0));
  source.end();
  await turn();
  expect(handed.at(-1)).toBe("end");
});

test("after pause, nothing is handed on until resume", async () => {
  const { source, incoming, handed } = incomingOf(true);
  const onData = incoming.onData;
  let pieces = 0;
  incoming.onData = (bytes) => {
    onData(bytes);
    if (++pieces % 3 === 2) incoming.pause();
  };
  incoming.resume();
  source.end(Buffer.concat([envelope(Buffer.from("a")), envelope(Buffer.from("b"))]));
  await turn();
  expect(handed).toHaveLength(3);
  incoming.pause();
  await turn();
  expect(handed).not.toContain("end");
  incoming.resume();
  incoming.resume();
  expect(handed.at(-1)).toBe("end");
});

test("what the handler has not taken counts, and more is not read until it has", async () => {
  const { source, incoming, traffic, handed } = incomingOf(true);
  const message = Buffer.alloc(40 * KIB);
  incoming.resume();
  for (let n = 0; n < 10; n++) {
    source.write(envelope(message));
    await turn();
  }
  expect(handed.filter((each) => each.length > 1)).toHaveLength(2);
  expect(source.isPaused()).toBe(true);
  expect(traffic.stalled.bytes).toBeGreaterThan(2 * message.length);
  expect(traffic.stalled.bytes).toBeLessThan(5 * message.length);
  expect(traffic.unfinished.count).toBe(0);

  for (let n = 0; n < 10; n++) {
    incoming.took(message.length);
    await turn();
  }
  expect(handed.filter((each) => each.length > 1)).toHaveLength(10);
  expect([traffic.stalled.bytes, traffic.stalled.count]).toEqual([0, 0]);
  expect(source.isPaused()).toBe(false);
});

test("a request of one message counts, and has its deadline, until its end", async () => {
  const { source, incoming, traffic, refused, handed } = incomingOf(false);
  expect(traffic.unfinished.count).toBe(1);
  incoming.resume();
  source.write(envelope(Buffer.alloc(100)));
  await turn();
  expect(handed.length).toBeGreaterThan(0);
  expect(traffic.unfinished.bytes).toBe(100);
  vi.advanceTimersByTime(3_000);
  expect(refused.map(({ reason }) => reason)).toEqual(["BODY_TIMEOUT"]);

  const other = incomingOf(false);
  other.incoming.resume();
  other.source.end(envelope(Buffer.alloc(100)));
  await turn();
  expect(other.handed.at(-1)).toBe("end");
  expect(other.traffic.unfinished.count).toBe(0);
});

test("a message of a stream has a deadline from its first byte to its last, and silence has none", async () => {
  const { source, incoming, refused } = incomingOf(true);
  incoming.resume();
  vi.advanceTimersByTime(5_000);
  source.write(envelope(Buffer.alloc(10)));
  await turn();
  incoming.took(10);
  vi.advanceTimersByTime(5_000);
  expect(refused).toEqual([]);
  source.write(envelope(Buffer.alloc(10), 20));
  await turn();
  vi.advanceTimersByTime(3_000);
  expect(refused.map(({ reason }) => reason)).toEqual(["BODY_TIMEOUT"]);
});

test("compressed messages are handed on expanded, in order, and the end after them", async () => {
  const { source, incoming, handed, said } = incomingOf(true, "gzip");
  incoming.resume();
  const first = envelope(gzipSync("x".repeat(1_000)), undefined, 1);
  source.end(Buffer.concat([first, envelope(Buffer.from("plain"))]));
  await vi.waitFor(() => expect(handed.at(-1)).toBe("end"));
  const expected = Buffer.concat([envelope(Buffer.from("x".repeat(1_000))), envelope(Buffer.from("plain"))]);
  expect(said()).toBe(`${expected.toString("latin1")}\0`);
});

test.each([
  ["is too large", envelope(Buffer.from("x"), limits.messageBytes + 1), "identity", "MESSAGE_TOO_LARGE"],
  ["is cut short", envelope(Buffer.from("x"), 2), "identity", "MESSAGE_CUT_SHORT"],
  ["is damaged", envelope(Buffer.from("x"), 1, 1), "gzip", "COMPRESSION_BROKEN"],
  ["is compressed by nobody knows what", envelope(Buffer.from("x"), 1, 1), "br", "COMPRESSION_UNKNOWN"],
  [
    "expands without end",
    envelope(gzipSync(Buffer.alloc(5 << 20)), undefined, 1),
    "gzip",
    "MESSAGE_TOO_LARGE",
  ],
])("a message that %s is refused, and nothing comes after it", async (_, bytes, encoding, reason) => {
  for (const streamed of [false, true]) {
    const { source, incoming, refused, handed, traffic } = incomingOf(streamed, encoding);
    incoming.resume();
    source.end(bytes);
    await vi.waitFor(() => expect(refused[0]?.reason).toBe(reason));
    incoming.close();
    await turn();
    expect(handed).toEqual([]);
    expect([traffic.unfinished.count, traffic.stalled.count]).toEqual([0, 0]);
  }
});
