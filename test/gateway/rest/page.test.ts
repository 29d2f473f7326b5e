/** An operation as a page of HTTP: what it counts against the memory of answers. */
import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Outgoing } from "#gateway/http/outgoing";
import type { PageCall } from "#gateway/http/pages";
import type { RestOperation } from "#gateway/rest/operation";
import { restPage } from "#gateway/rest/page";
import { AnswerQuota } from "#gateway/traffic/answer-admission";
import { Traffic } from "#gateway/traffic/traffic";

const quiet = () => undefined;
const telemetry = { count: quiet, observe: quiet, gauge: quiet, log: {} } as never;

/** A response that nobody reads. */
class Unread extends EventEmitter {
  readonly destroyed = false;
  text = "";

  writeHead(): void {}

  end(text: string): void {
    this.text = text;
  }
}

test("an answer counts with its size in place of what was reserved for it, until it is read", async () => {
  const quota = new AnswerQuota();
  const response = new Unread();
  const seen: number[] = [];
  const operation = {
    ...{ method: "GET", path: "/v1/things", asked: "/v1/things" },
    rpc: { method: { name: "Get", parent: { typeName: "Things" } }, waits: false },
    perform: async (_request: unknown, _ask: unknown, call: { reserve(bytes: number): unknown }) => {
      await call.reserve(1_000_000);
      seen.push(quota.bytes);
      return { json: "{}" };
    },
  } as unknown as RestOperation;
  const traffic = new Traffic(telemetry);
  const peer = { quota, identified: quiet, carried: quiet, sent: quiet };
  const served = { telemetry, health: {}, services: {}, identify: () => ({}) } as never;

  await restPage(operation, { rpcs: [], served, streams: {} as never })({
    ...{ request: { url: "/v1/things", headers: {}, method: "GET" }, response, params: {} },
    outgoing: (single: boolean) => new Outgoing(response as never, traffic, single, peer),
    ...{ body: quiet, remote: undefined },
  } as unknown as PageCall);
  expect([response.text, seen, quota.bytes]).toEqual(["{}\n", [1_000_000], 3]);
  response.emit("close");
  expect(quota.bytes).toBe(0);
});
