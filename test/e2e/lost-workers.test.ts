/** Workers that die, freeze or fall silent: their runs are tried again, and nothing late counts. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { TaskEvent, TaskRunClient } from "#client/index";
import { expectWholeStory } from "./kit/content.js";
import { type Server, Stage, until } from "./kit/harness.js";
import { RawWorker, statuses } from "./kit/raw-worker.js";

const stage = new Stage();
const raws: RawWorker[] = [];
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  client = stage.client(server.addr);
});
afterEach(() => {
  for (const raw of raws.splice(0)) raw.close();
});
afterAll(() => stage.end());

async function follow(taskId: string): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(taskId)) events.push(event);
  return events;
}

/** A task of which a worker has begun to write, and who that is. */
async function begunTask(chunks: number, delayMs: number) {
  const { id } = await client.tasks.create({ agent: "writer", input: { chunks, delayMs } });
  const story = follow(id);
  const begun = await until("a run writes", async () => {
    const { runs } = await client.tasks.get(id);
    return runs.find(({ status }) => status === "RUNNING");
  });
  return { id, story, begun };
}

test.each([
  ["dies", "SIGKILL"],
  ["freezes for longer than its lease, and then goes on", "SIGSTOP"],
] as const)("the run of a worker that %s is tried again elsewhere", async (_, signal) => {
  const first = await stage.worker(server.addr, { id: `first-${signal}` });
  const { id, story, begun } = await begunTask(80, 100);
  expect(begun.workerId).toBe(`first-${signal}`);
  const second = await stage.worker(server.addr, { id: `second-${signal}` });
  first.signal(signal);

  await until("the run is lost and tried again", async () => (await client.tasks.get(id)).runs.length === 2);
  if (signal === "SIGSTOP") first.signal("SIGCONT");
  const events = await story;
  expectWholeStory(events);
  const task = await client.tasks.get(id);
  expect(task).toMatchObject({
    status: "COMPLETED",
    runs: [
      { id: begun.id, status: "FAILED", reason: "WORKER_LOST", attempt: 1 },
      { workerId: `second-${signal}`, status: "COMPLETED", attempt: 1 },
    ],
  });
  const written = events.filter(
    (event) => event.type === "output" && event.output.runId === task.runs[1]?.id,
  );
  expect(written).toHaveLength(80);

  if (signal === "SIGSTOP") {
    await until("the frozen worker is back", async () => (await client.workers.list()).length === 2);
    const ends = stage.traces().filter(({ what, runId }) => what === "end" && runId === begun.id);
    expect(ends, "the worker itself has stopped the run").toEqual([]);
    await first.end("SIGKILL");
  }
  await second.end("SIGKILL");
});

test("where no run may be lost, a lost worker fails the task with WORKER_LOST", async () => {
  const raw = new RawWorker(server.addr, { id: "one-try" });
  raws.push(raw);
  const { id } = await client.tasks.create({ agent: "raw", maxLosses: 0 });
  raw.status(await raw.assigned(id), statuses.RUNNING);
  const task = await client.tasks.wait(id);
  expect(task).toMatchObject({
    status: "FAILED",
    maxLosses: 0,
    steps: [{ attempts: 0, losses: 1, maxLosses: 0 }],
    runs: [{ status: "FAILED", reason: "WORKER_LOST" }],
  });
  await until("its stream is ended", () => raw.endedWith !== undefined);
  expect(raw.endedWith).toBe(14);
});

test("who comes back after its lease is told to stop, and nothing it says is accepted", async () => {
  const who = { id: "zombie", agents: ["raw"], instance: "the-same" };
  const before = new RawWorker(server.addr, who);
  const other = new RawWorker(server.addr, { id: "other", agents: [] });
  raws.push(before, other);
  const { id } = await client.tasks.create({ agent: "raw" });
  const lost = await before.assigned(id);
  before.status(lost, statuses.RUNNING);
  before.output(lost, 0, "before ");
  await before.hears("ack", ({ ackType, nextSeq }) => ackType === "output" && nextSeq === 1n);
  await until("the lease ends", () => before.endedWith !== undefined);

  const resume = [{ runId: lost.runId, fence: lost.fence, nextSeq: 0n }];
  const after = new RawWorker(server.addr, { ...who, resume });
  raws.push(after);
  await after.hears("cancelRun", ({ runId }) => runId === lost.runId);
  after.output(lost, 1, "late");
  after.status(lost, statuses.COMPLETED, { outputJson: '"late"' });
  const run = await after.assigned(id);
  expect(run.fence).toBe(lost.fence + 1);
  after.output({ ...run, runId: lost.runId }, 1, "late, with the new fence");
  after.output({ ...run, fence: lost.fence }, 0, "late, with the old fence");
  after.output(run, 0, "after");
  after.status(run, statuses.COMPLETED, { outputJson: '"good"', outputCount: 1n });

  const task = await client.tasks.wait(id);
  expect(task).toMatchObject({ status: "COMPLETED", outputJson: '"good"' });
  const output = (await follow(id)).flatMap((event) => (event.type === "output" ? event.output.content : []));
  expect(output).toEqual(["before ", "after"]);
});
