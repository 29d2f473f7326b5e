/**
 * A server is backed up under load, goes on, is killed, and is restored from the backup while its workers still run: every task that the
 * backup has ends once, and nothing that was assigned before is accepted after it.
 */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hasEnded, type TaskEvent, type TaskRunClient } from "#client/index";
import { expectWholeStory } from "./kit/content.js";
import { pause, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const patience = { maxAttempts: 50, maxLosses: 100 };
const CROWD = 60;

/** Creates Tasks until it is told to stop: short ones, and some that outlast every restart. */
function load(client: TaskRunClient) {
  let stopped = false;
  const done = (async () => {
    for (let n = 0; !stopped && n < 1_000; n++) {
      const input = n % 4 === 0 ? { chunks: 60, delayMs: 100 } : { chunks: 4, delayMs: 20 };
      await client.tasks.create({ agent: "writer", input, ...patience });
      await pause(25);
    }
  })().catch(() => {});
  return async () => {
    stopped = true;
    await done;
  };
}

async function command(args: readonly string[]): Promise<string> {
  const proc = stage.run(args);
  expect(await proc.ended, proc.stderr).toBe(0);
  return proc.stdout;
}

async function storyOf(client: TaskRunClient, id: string): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(id)) events.push(event);
  return events;
}

async function allTasks(client: TaskRunClient) {
  const found = [];
  for await (const task of client.tasks.list({})) found.push(task);
  return found;
}

/** The objects of what the audit log says of restorations. */
async function restorations(client: TaskRunClient): Promise<string[]> {
  const found: string[] = [];
  for await (const { action, object } of client.audit.list())
    if (action === "store.restored") found.push(object);
  return found;
}

/** What happened to each Task after the restoration came of Runs that began after it. */
async function expectNothingOfBefore(server: Server, backedUpAt: number, begunBefore: ReadonlySet<string>) {
  const client = stage.client(server.addr);
  let lost = 0;
  for (const { id } of await allTasks(client)) {
    const events = await storyOf(client, id);
    expectWholeStory(events);
    expect(events.at(-1)).toMatchObject({ type: "task", task: { status: "COMPLETED" } });
    for (const event of events) {
      if (event.atMs <= backedUpAt) continue;
      if (event.type === "output")
        expect(begunBefore.has(event.output.runId), `${id} ${event.seq}`).toBe(false);
      if (event.type !== "run" || !begunBefore.has(event.run.id)) continue;
      // All that is ever said of such a Run any more.
      expect(event.run).toMatchObject({ status: "FAILED", reason: "WORKER_LOST" });
      lost += 1;
    }
  }
  return lost;
}

test("a restored server accepts nothing of the time that was rolled back, while its workers go on", {
  timeout: 240_000,
}, async () => {
  const server = await stage.server({ lease: "4s", heartbeat: "500ms" });
  const client = stage.client(server.addr);
  for (const id of ["a", "b", "c"]) await stage.worker(server.addr, { id, maxRuns: 6, drain: "1s" });
  const stop = load(client);
  await until("a crowd has come", () => stage.traces().length > CROWD);

  const file = join(stage.dir, "now.backup");
  expect(await command(["store", "backup", file, "--data", server.data])).toContain(file);
  const backedUpAt = Date.now();
  expect(await command(["store", "verify", "--data", server.data])).toContain("as a server that is using it");
  // Much ends, much is assigned, and fences grow that the backup knows nothing of.
  const lines = stage.traces().length;
  await until("it has gone on", () => stage.traces().length > lines + CROWD);
  await server.proc.end("SIGKILL");
  await stop();
  await command(["store", "restore", file, "--data", server.data, "--replace"]);
  const begunBefore = new Set(stage.traces().map(({ runId }) => runId));

  await server.start();
  await until("all have ended", async () => (await allTasks(client)).every(hasEnded), 120_000);
  expect(await expectNothingOfBefore(server, backedUpAt, begunBefore)).toBeGreaterThan(0);
  const ended = new Set((await allTasks(client)).map(({ id }) => id));
  expect(
    stage.traces().some(({ taskId }) => !ended.has(taskId)),
    "some tasks were rolled back",
  ).toBe(true);
  expect(await restorations(client)).toHaveLength(1);
  await server.proc.end("SIGTERM");
  expect(await command(["store", "verify", "--data", server.data])).toContain("is sound");
});
