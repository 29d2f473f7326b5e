/** What a worker may report, over what is recorded: over the wire, by workers that say anything. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { type Server, Stage, until } from "./kit/harness.js";
import { RawWorker, type RawWorkerOptions, type StatusName, statuses } from "./kit/raw-worker.js";

const names = Object.keys(statuses) as StatusName[];
const stage = new Stage();
const raws: RawWorker[] = [];
let server: Server;
let client: TaskRunClient;
let barriers = 0;

beforeAll(async () => {
  server = await stage.server();
  client = stage.client(server.addr);
});
afterEach(() => {
  for (const raw of raws.splice(0)) raw.close();
});
afterAll(() => stage.end());

function rawWorker(options: RawWorkerOptions): RawWorker {
  const raw = new RawWorker(server.addr, options);
  raws.push(raw);
  return raw;
}

/** Resolves when the plane has decided all that the worker has said so far. */
async function decided(worker: RawWorker): Promise<void> {
  barriers += 1;
  const runId = `nobody's-${barriers}`;
  worker.status({ runId, fence: 1 }, statuses.COMPLETED);
  await worker.hears("cancelRun", (cancel) => cancel.runId === runId);
}

/** A run in each of the states, and whom to ask about it. */
async function runThatIs(recorded: StatusName, worker: RawWorker, agent: string) {
  if (recorded === "PENDING") {
    // A run is made and assigned in one commit: before that, the task waits and a run has no id to report about.
    const { id } = await client.tasks.create({ agent: "nobody-has-it" });
    return { taskId: id, run: { runId: `${id}-not-yet`, fence: 1 } };
  }
  const { id } = await client.tasks.create({ agent, maxAttempts: 1 });
  const run = await worker.assigned(id);
  if (recorded !== "ASSIGNED") worker.status(run, statuses.RUNNING);
  if (recorded === "COMPLETED") worker.status(run, statuses.COMPLETED);
  if (recorded === "FAILED") worker.status(run, statuses.FAILED, { errorMessage: "the first word" });
  if (recorded === "CANCELLED") await client.tasks.cancel(id);
  await decided(worker);
  return { taskId: id, run };
}

async function statusOf(taskId: string): Promise<string> {
  const { runs, status } = await client.tasks.get(taskId);
  return runs.length === 0 ? status : runs.map((run) => run.status).join();
}

const speakers = [
  ["our worker", 1],
  ["a public worker", 0],
] as const;

test.each(speakers)("of 36 reports by %s only those of a live run count", async (_, protocol) => {
  const agent = `matrix-${protocol}`;
  const worker = rawWorker({ id: agent, protocol, agents: [agent], capacity: 64 });
  const table: Record<string, string> = {};
  for (const recorded of names) {
    const outcomes: string[] = [];
    for (const reported of names) {
      const { taskId, run } = await runThatIs(recorded, worker, agent);
      expect(await statusOf(taskId)).toBe(recorded);
      worker.status(run, statuses[reported], { errorMessage: "the last word" });
      worker.status(run, statuses[reported]);
      await decided(worker);
      outcomes.push(await statusOf(taskId));
      await client.tasks.cancel(taskId).catch(() => {});
    }
    table[recorded] = outcomes.join(" ");
  }

  expect(table).toEqual({
    PENDING: "PENDING PENDING PENDING PENDING PENDING PENDING",
    ASSIGNED: "ASSIGNED ASSIGNED RUNNING COMPLETED FAILED CANCELLED",
    RUNNING: "RUNNING RUNNING RUNNING COMPLETED FAILED CANCELLED",
    COMPLETED: "COMPLETED COMPLETED COMPLETED COMPLETED COMPLETED COMPLETED",
    FAILED: "FAILED FAILED FAILED FAILED FAILED FAILED",
    CANCELLED: "CANCELLED CANCELLED CANCELLED CANCELLED CANCELLED CANCELLED",
  });
  const failed = await client.tasks.page({ agent, status: "FAILED" });
  const words = await Promise.all(
    failed.tasks.map(async ({ id }) => (await client.tasks.get(id)).errorMessage),
  );
  expect(words.filter((text) => text === "the last word")).toHaveLength(2); // from ASSIGNED and from RUNNING
});

test("an older fence, a newer fence, another worker and a second word change nothing", async () => {
  const owner = rawWorker({ id: "owner" });
  const stranger = rawWorker({ id: "stranger", agents: [] });
  const { id } = await client.tasks.create({ agent: "raw" });
  const run = await owner.assigned(id);
  owner.status(run, statuses.RUNNING);

  for (const fence of [run.fence - 1, run.fence + 1, 7]) {
    // A fence of 0 is what a worker says that was given none: it stands for the run's own.
    if (fence === 0) continue;
    owner.status({ ...run, fence }, statuses.FAILED, { errorMessage: "wrong fence" });
    owner.output({ ...run, fence }, 0, "wrong fence");
  }
  stranger.status(run, statuses.COMPLETED, { outputJson: '"stolen"' });
  stranger.output(run, 0, "stolen");
  stranger.say({ case: "decline", value: { runId: run.runId, reason: "not mine" } });
  await Promise.all([decided(owner), decided(stranger)]);
  expect(await client.tasks.get(id)).toMatchObject({ status: "RUNNING", runs: [{ status: "RUNNING" }] });
  await stranger.hears("cancelRun", ({ runId }) => runId === run.runId);

  owner.output(run, 0, "mine");
  owner.output(run, 0, "mine again");
  owner.status(run, statuses.COMPLETED, { outputJson: '"first"', outputCount: 1n });
  owner.status(run, statuses.COMPLETED, { outputJson: '"second"', outputCount: 1n });
  owner.status(run, statuses.FAILED);
  owner.output(run, 1, "after the end");
  await decided(owner);

  expect(await client.tasks.get(id)).toMatchObject({ status: "COMPLETED", outputJson: '"first"' });
  const output: string[] = [];
  for await (const event of client.tasks.watch(id))
    if (event.type === "output") output.push(event.output.content);
  expect(output).toEqual(["mine"]);
  const refused = await server.metrics();
  for (const cause of ["stale", "foreign", "ended", "repeated"]) {
    expect(refused).toMatch(new RegExp(`taskrun_reports_refused_total\\{cause="${cause}"\\} [1-9]`));
  }
});

test("COMPLETED does not count before all the output it speaks of is there", async () => {
  const worker = rawWorker({ id: "hasty" });
  const { id } = await client.tasks.create({ agent: "raw" });
  const run = await worker.assigned(id);
  worker.output(run, 0, "one ");
  worker.output(run, 2, "three");
  worker.status(run, statuses.COMPLETED, { outputCount: 3n });
  await decided(worker);
  expect(await client.tasks.get(id)).toMatchObject({ status: "RUNNING" });
  const ack = worker
    .all("ack")
    .filter(({ ackType }) => ackType === "output")
    .at(-1);
  expect(ack).toMatchObject({ refId: run.runId, nextSeq: 1n });

  worker.output(run, 1, "two ");
  worker.output(run, 2, "three");
  worker.status(run, statuses.COMPLETED, { outputCount: 3n });
  expect(await client.tasks.wait(id)).toMatchObject({ status: "COMPLETED" });
});

test.each(speakers)("%s that ignores CancelRun is never given more than it can hold", async (_, protocol) => {
  const agent = `stubborn-${protocol}`;
  const worker = rawWorker({ id: agent, protocol, agents: [agent], capacity: 2 });
  const ids: string[] = [];
  for (let i = 0; i < 5; i += 1) ids.push((await client.tasks.create({ agent })).id);
  const held = [await worker.assigned(ids[0] ?? ""), await worker.assigned(ids[1] ?? "")];
  for (const run of held) worker.status(run, statuses.RUNNING);
  for (const id of ids.slice(0, 2)) expect((await client.tasks.cancel(id)).status).toBe("CANCELLED");

  const runIds = held.map(({ runId }) => runId);
  for (let beats = 0; beats < 3; beats += 1) {
    if (protocol === 1) await worker.beat(runIds, 2n);
    else worker.say({ case: "heartbeat", value: { workerId: agent, activeRuns: 0, maxConcurrentRuns: 2 } });
    await decided(worker);
    const asked = worker.all("cancelRun").filter(({ runId }) => runIds.includes(runId));
    expect(asked.length, "asked again with every heartbeat").toBeGreaterThanOrEqual(2 * (beats + 1));
    expect(worker.all("assignRun")).toHaveLength(2);
  }
  const [listed] = await client.workers.list({ agent });
  expect(listed).toMatchObject({ activeRuns: 2, status: "BUSY" });

  const [first] = held;
  if (first) worker.status(first, statuses.COMPLETED, { outputJson: '"too late"' });
  await worker.assigned(ids[2] ?? "");
  await decided(worker);
  expect(worker.all("assignRun")).toHaveLength(3);
  const late = await client.tasks.get(ids[0] ?? "");
  expect(late).toMatchObject({ status: "CANCELLED", outputJson: "", runs: [{ status: "CANCELLED" }] });
  await until("all ends", async () => {
    for (const run of worker.all("assignRun")) worker.status(run, statuses.COMPLETED);
    return (await client.tasks.page({ agent, status: "COMPLETED" })).tasks.length === 3;
  });
  expect((await client.tasks.get(ids[1] ?? "")).status).toBe("CANCELLED");
});
