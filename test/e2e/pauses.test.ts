/** What is paused stays paused: while a server is killed and started again, and while a worker connects again. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PauseScope, TaskRunClient } from "#client/index";
import { type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  client = stage.client(server.addr);
});
afterEach(async () => {
  for (const { kind, name, namespace, principal } of await client.pauses.list()) {
    if (kind !== "unspecified") await client.pauses.resume({ kind, name, namespace, principal });
  }
});
afterAll(() => stage.end());

const writing = () => client.tasks.create({ agent: "writer", input: { chunks: 2, delayMs: 1 } });
const isPaused = async (id: string) => {
  const { status, steps } = await client.tasks.get(id);
  return status === "PENDING" && steps[0]?.waitingReason.startsWith("PAUSED: ");
};
const ended = (id: string) =>
  until("the task is done", async () => (await client.tasks.get(id)).status === "COMPLETED");

/** Longer than a worker needs to connect again and be given something. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 1_500));

test.each([
  ["the plane", { kind: "plane" }],
  ["an agent", { kind: "agent", name: "writer" }],
] as const satisfies (readonly [string, PauseScope])[])(
  "%s: nothing is given out after a SIGKILL either, and all of it once it is resumed",
  async (_, scope) => {
    const worker = await stage.worker(server.addr, { id: `w-${scope.kind}` });
    await client.pauses.pause(scope, { reason: "by hand" });
    const { id } = await writing();
    await server.restart();
    await until("the worker is back", async () => (await client.workers.list()).length === 1);
    await quiet();
    expect(await isPaused(id)).toBe(true);
    expect(await client.pauses.list()).toMatchObject([{ kind: scope.kind, reason: "by hand", untilMs: 0 }]);

    await client.pauses.resume(scope);
    await ended(id);
    await worker.end("SIGKILL");
  },
);

test("a paused worker that dies and connects again gets nothing, until it is resumed", async () => {
  const first = await stage.worker(server.addr, { id: "w-paused" });
  await client.pauses.pause({ kind: "worker", name: "w-paused" });
  await first.end("SIGKILL");
  const again = await stage.worker(server.addr, { id: "w-paused" });
  const { id } = await writing();
  await quiet();
  expect((await client.tasks.get(id)).runs).toEqual([]);
  const [step] = (await client.tasks.explain(id)).steps;
  expect(step?.workers).toMatchObject([{ workerId: "w-paused", cause: "PAUSED" }]);

  await client.pauses.resume({ kind: "worker", name: "w-paused" });
  await ended(id);
  await again.end("SIGKILL");
});
