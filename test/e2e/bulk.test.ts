/** Bulk actions over many tasks, while the server is killed: each is done once, and others are served meanwhile. */
import { afterAll, expect, test } from "vitest";
import type { BulkBatch, BulkRequest, Task, TaskRunClient } from "#client/index";
import { pause, Stage } from "./kit/harness.js";

/** By hand 20 000. */
const TASKS = Number(process.env.BULK_TASKS ?? 2_000);
const BATCH = 500;

const stage = new Stage();
afterAll(() => stage.end());

async function createAll({ tasks }: TaskRunClient): Promise<void> {
  for (let made = 0; made < TASKS; made += BATCH) {
    const count = Math.min(BATCH, TASKS - made);
    const requests = Array.from({ length: count }, () => ({ agent: "nobody", labels: { of: "bulk" } }));
    const results = await tasks.createMany(requests);
    expect(results.every(({ ok }) => ok)).toBe(true);
  }
}

async function all(
  { tasks }: TaskRunClient,
  filter: Parameters<TaskRunClient["tasks"]["list"]>[0],
): Promise<Task[]> {
  const found: Task[] = [];
  for await (const task of tasks.list({ ...filter, pageSize: 1_000 })) found.push(task);
  return found;
}

/** How long others wait for a new task, in milliseconds, until it is stopped. */
function others(client: TaskRunClient) {
  const waited: number[] = [];
  let on = true;
  const loop = async () => {
    while (on) {
      const began = performance.now();
      const made = await client.tasks.create({ agent: "other" }).catch(() => undefined);
      if (made) waited.push(performance.now() - began);
      await pause(20);
    }
  };
  const running = loop();
  return {
    async stop(): Promise<string> {
      on = false;
      await running;
      const sorted = waited.toSorted((a, b) => a - b);
      const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
      return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length}`;
    },
  };
}

/** Every batch; one whose answer is lost is sent again. */
async function drive(
  client: TaskRunClient,
  request: BulkRequest,
  eachBatch: (nr: number) => Promise<void>,
): Promise<BulkBatch[]> {
  const batches: BulkBatch[] = [];
  let pageToken = "";
  for (let sent = 1; ; sent += 1) {
    const asked = client.tasks.bulk({ ...request, pageToken }).catch(() => undefined);
    await eachBatch(sent);
    const batch = await asked;
    if (!batch) {
      await pause(200);
      continue;
    }
    batches.push(batch);
    pageToken = batch.nextPageToken;
    if (pageToken === "") return batches;
  }
}

const sum = (batches: readonly BulkBatch[], what: "matched" | "done" | "already") =>
  batches.reduce((total, batch) => total + batch[what], 0);

test("cancelled and retried in bulk, with the server killed in the middle of a batch: each task once", {
  timeout: 600_000,
}, async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);
  await createAll(client);
  const filter = { labels: { of: "bulk" } };

  const quiet = others(client);
  await pause(10_000);
  console.info(`others, while nothing else goes on: ${await quiet.stop()}`);

  let kills = 0;
  const kill = async (nr: number) => {
    if (nr !== 3 && nr !== 6) return;
    await pause(10 + Math.random() * 60);
    kills += 1;
    await server.proc.end("SIGKILL");
    await server.start();
  };
  const cancelled = await drive(client, { action: "cancel", bulkId: "cancel-all", filter }, kill);
  expect(sum(cancelled, "matched")).toBe(TASKS);
  expect(sum(cancelled, "done") + sum(cancelled, "already")).toBe(TASKS);
  expect(cancelled.flatMap(({ refusals }) => refusals)).toEqual([]);
  expect((await all(client, { ...filter, status: "CANCELLED" })).length).toBe(TASKS);

  await drive(client, { action: "retry", bulkId: "retry-all", filter }, kill);
  // Once more from the beginning: nothing is left to do.
  const busy = others(client);
  const again = await drive(client, { action: "retry", bulkId: "retry-all", filter }, async () => {});
  console.info(`others, beside a bulk action that finds all done: ${await busy.stop()}`);
  expect([sum(again, "done"), sum(again, "already")]).toEqual([0, TASKS]);
  const retries = (await all(client, filter)).filter(({ retryOf }) => retryOf !== "");
  expect(retries.length).toBe(TASKS);
  expect(new Set(retries.map(({ retryOf }) => retryOf)).size).toBe(TASKS);
  expect(kills).toBeGreaterThan(1);

  const last = others(client);
  const ended = await drive(
    client,
    { action: "cancel", bulkId: "again", filter: { ...filter, status: "PENDING" } },
    async () => {},
  );
  console.info(`others, beside a bulk cancel: ${await last.stop()}`);
  expect(sum(ended, "done")).toBe(TASKS);
});
