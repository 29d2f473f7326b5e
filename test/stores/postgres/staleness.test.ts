/** How Tasks stand is told alike by every node over one PostgreSQL, whichever of them has made a Task, or has the stream of its worker. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { StaleHealth } from "#domain/task/staleness";
import { startTaskRun, type TaskRun } from "#embedded/index";
import { agent } from "#worker/index";
import { noPostgres, PostgresServer } from "./server.js";

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

const onPostgres = test.skipIf(noPostgres !== undefined);
let server: PostgresServer;
const nodes: TaskRun[] = [];
beforeAll(async () => {
  if (noPostgres === undefined) server = await PostgresServer.start();
});
afterAll(async () => {
  for (const node of nodes) await node.stop();
  await server?.stop();
});

const PATIENCE = { timeout: 30_000, interval: 200 };
const sleeper = agent({
  name: "sleeper",
  run: (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
});

async function node(options: Parameters<typeof startTaskRun>[0] = {}): Promise<TaskRun> {
  const store = server.url("staleness") as `postgres://${string}`;
  const stale = { staleWorker: "2s", staleInProcess: "2s" } as const;
  const started = await startTaskRun({ store, log: "silent", drainMs: 0, ...stale, ...options });
  nodes.push(started);
  return started;
}

/** The health of each Task, as a node tells it, a page of two at a time. */
async function healths({ client }: TaskRun, health?: StaleHealth): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const task of client.deadLetters.staleness({ pageSize: 2, ...(health && { health }) })) {
    found[task.taskId] = task.health;
  }
  return found;
}

onPostgres(
  "each node tells the same of all Tasks: of what waits, runs on another node, is paused, and has ended",
  async () => {
    const [a, b] = [await node({ agents: [sleeper] }), await node()];
    const create = ({ client }: TaskRun, name: string) => client.tasks.create({ agent: name });
    const runs = await create(b, "sleeper");
    await b.client.pauses.pause({ kind: "agent", name: "held", namespace: "default" });
    const paused = await create(b, "held");
    const waiting = [await create(a, "nobody"), await create(b, "nobody")];
    const ended = await create(a, "nobody");
    await b.client.tasks.cancel(ended.id);

    const expected = {
      [runs.id]: "HEALTHY",
      [paused.id]: "HEALTHY",
      ...Object.fromEntries(waiting.map(({ id }) => [id, "STALE"])),
    };
    for (const each of [a, b]) {
      await vi.waitFor(async () => expect(await healths(each)).toEqual(expected), PATIENCE);
      expect(Object.keys(await healths(each, "STALE")).toSorted()).toEqual(
        waiting.map(({ id }) => id).toSorted(),
      );
    }
    await a.client.pauses.resume({ kind: "agent", name: "held", namespace: "default" });
    for (const each of [a, b])
      await vi.waitFor(async () => expect((await healths(each))[paused.id]).toBe("STALE"), PATIENCE);
  },
  120_000,
);
