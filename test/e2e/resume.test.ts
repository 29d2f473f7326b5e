/** Connections that break: a worker's and a watcher's, in the middle of what is being said. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskEvent, TaskRunClient } from "#client/index";
import { Cable } from "./kit/cable.js";
import { expectWholeStory } from "./kit/content.js";
import { type Server, Stage, until } from "./kit/harness.js";
import { RawWorker, statuses } from "./kit/raw-worker.js";

const stage = new Stage();
const cables: Cable[] = [];
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server({ lease: "20s", heartbeat: "500ms" });
  client = stage.client(server.addr);
});
afterAll(async () => {
  await Promise.all(cables.map((cable) => cable.close()));
  await stage.end();
});

async function cableToServer(): Promise<Cable> {
  const cable = await Cable.to(server.addr);
  cables.push(cable);
  return cable;
}

test("a worker whose connection is cut again and again keeps its run, and no output is lost or doubled", async () => {
  const cable = await cableToServer();
  const worker = await stage.worker(cable.addr, { id: "cut" });
  const { id } = await client.tasks.create({
    agent: "writer",
    input: { chunks: 60, delayMs: 20, bytes: 20_000 },
  });
  const cuts = [0, 3, 20, 45];
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(id)) {
    events.push(event);
    // What was on its way when it was cut comes too; only a connection that is there can be cut again.
    if (event.type !== "output" || event.output.seq < (cuts[0] ?? Number.POSITIVE_INFINITY)) continue;
    if (cable.cut()) cuts.shift();
  }

  expect(cuts).toEqual([]);
  expect(cable.connections).toBe(5);
  expectWholeStory(events);
  expect(events.filter(({ type }) => type === "output")).toHaveLength(60);
  expect(await client.tasks.get(id)).toMatchObject({
    status: "COMPLETED",
    runs: [{ attempt: 1, reason: "" }],
  });
  await worker.end("SIGKILL");
});

test("a watcher whose connection is cut resumes, and sees each event once", async () => {
  const cable = await cableToServer();
  const watching = stage.client(cable.addr);
  const worker = await stage.worker(server.addr, { id: "uncut" });
  const { id } = await client.tasks.create({ agent: "writer", input: { chunks: 40, delayMs: 10 } });
  const events: TaskEvent[] = [];
  for await (const event of watching.tasks.watch(id)) {
    events.push(event);
    if (event.seq % 15 === 0) cable.cut();
  }
  expect(cable.connections).toBeGreaterThan(2);
  expectWholeStory(events);
  await worker.end("SIGKILL");
});

test("a second stream of a worker takes over; when the first closes later, nothing changes", async () => {
  const cable = await cableToServer();
  const who = { id: "twice", agents: ["twice"], capacity: 1 };
  const first = new RawWorker(cable.addr, who);
  const { id } = await client.tasks.create({ agent: "twice" });
  const next = await client.tasks.create({ agent: "twice" });
  const run = await first.assigned(id);
  first.status(run, statuses.RUNNING);
  first.output(run, 0, "by the first ");
  await first.hears("ack", ({ ackType }) => ackType === "output");

  cable.holdClose();
  const resume = [{ runId: run.runId, fence: run.fence, nextSeq: 0n }];
  const second = new RawWorker(server.addr, { ...who, resume });
  const ack = await second.hears("ack", ({ ackType }) => ackType === "output");
  expect(ack).toMatchObject({ refId: run.runId, nextSeq: 1n });
  first.output(run, 1, "too late: another stream has taken over");
  first.close();
  second.output(run, 1, "by the second");
  cable.releaseClose();
  await second.beat([run.runId]);

  const [listed] = await client.workers.list({ agent: "twice" });
  expect(listed).toMatchObject({ id: "twice", activeRuns: 1 });
  expect(second.all("assignRun"), "its only slot is taken").toEqual([]);
  second.status(run, statuses.COMPLETED, { outputCount: 2n });
  expect(await client.tasks.wait(id)).toMatchObject({ status: "COMPLETED", runs: [{ attempt: 1 }] });
  const output: string[] = [];
  for await (const event of client.tasks.watch(id))
    if (event.type === "output") output.push(event.output.content);
  expect(output).toEqual(["by the first ", "by the second"]);

  const assigned = await second.assigned(next.id);
  second.status(assigned, statuses.COMPLETED);
  await client.tasks.wait(next.id);
  expect(second.endedWith).toBeUndefined();
  second.close();
});

test("over a server's death a held run goes on, in its first attempt", async () => {
  const worker = await stage.worker(server.addr, { id: "outlives" });
  const { id } = await client.tasks.create({ agent: "writer", input: { chunks: 30, delayMs: 40 } });
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(id)) {
    events.push(event);
    if (event.type === "output" && event.output.seq === 5) await server.restart();
  }
  expectWholeStory(events);
  expect(await client.tasks.get(id)).toMatchObject({ status: "COMPLETED", runs: [{ attempt: 1 }] });
  await until(
    "the worker is free again",
    async () => (await client.workers.get("outlives")).activeRuns === 0,
  );
  await worker.end("SIGTERM");
});
