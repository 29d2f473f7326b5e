/**
 * The server is killed at every commit of a graph of seven Steps, just before it and just after it, and started
 * again: each time the Task ends as if nothing had happened. The store that kills is the test's own.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { createClient, type TaskRunClient } from "#client/index";
import { sqliteStore } from "#stores/sqlite/index";
import { auditGraph } from "#testing/audit";
import { agent, serve } from "#worker/index";
import { Proc, pause, Stage, until } from "./harness.js";

const program = fileURLToPath(new URL("./mortal-server.mjs", import.meta.url));
/** More commits than the graph takes; a server that outlives them all is the last round. */
const COMMITS_MOST = 60;
const ROUND_MS_MAX = 20_000;

const stage = new Stage();
afterAll(() => stage.end());

const after = (...names: string[]) => ({ dependencies: names });
const graph = {
  name: "seven",
  namespace_name: "default",
  version: "1.0.0",
  steps: [
    { name: "init" },
    { name: "left", ...after("init") },
    { name: "right", ...after("init") },
    { name: "validate", ...after("left", "right") },
    { name: "transform", ...after("left") },
    { name: "analyze", ...after("right") },
    { name: "finalize", ...after("validate", "transform", "analyze") },
  ].map((step) => ({ ...step, handler: { callable: "weigh" } })),
};
/** Each Step adds one to the sum of those before it. */
const WEIGHTS = { init: 1, left: 2, right: 2, validate: 5, transform: 3, analyze: 3, finalize: 12 };

/** How often each Step's agent began, by Task. */
const begun = new Map<string, number>();
const weigh = agent({
  name: "weigh",
  input: z.object({}),
  async run(_, ctx) {
    const key = `${ctx.taskId}/${ctx.stepName}`;
    begun.set(key, (begun.get(key) ?? 0) + 1);
    // No two Steps end together, so that each end is a commit of its own.
    await pause(Object.keys(WEIGHTS).indexOf(ctx.stepName) * 15);
    const before = await Promise.all(ctx.dependencies.map((name) => ctx.result(name)));
    return before.reduce<number>((sum, weight) => sum + Number(weight), 1);
  },
});

/** A server on its own data, of which it may die; started again, it serves at the same address. */
class Mortal {
  readonly #path = join(mkdtempSync(join(stage.dir, "mortal-")), "taskrun.db");
  #addr = "127.0.0.1:0";
  proc: Proc | undefined;

  get path(): string {
    return this.#path;
  }

  async start(dieAt = "0:never"): Promise<string> {
    const proc = new Proc([program, this.#path, this.#addr], stage.dir, { DIE_AT: dieAt });
    this.proc = proc;
    const line = await proc.said("the server serves", ({ stdout }) => /^\{.*\}\n/.exec(stdout)?.[0]);
    this.#addr = (JSON.parse(line) as { grpc: [string] }).grpc[0];
    return this.#addr;
  }
}

/** One Task, on a server that dies once on the way; false if it lived through all of it. */
async function round(dieAt: string): Promise<boolean> {
  const server = new Mortal();
  let over = false;
  const addr = await server.start(dieAt);
  const worker = await serve({ agents: [weigh], addr, id: "weigher", handleSignals: false, log: quiet });
  const client = createClient({ addr, timeoutMs: 5_000 });
  try {
    await client.templates.register(JSON.stringify(graph));
    const first = server.proc;
    void first?.ended.then(() => (over ? undefined : server.start()));
    const taskId = await create(client, dieAt);
    const task = await until("the task ends", async () => {
      const found = await client.tasks.get(taskId);
      return found.finishedAtMs > 0 && found;
    });
    expect(task.status, dieAt).toBe("COMPLETED");
    expect(task.outputJson).toBe(String(WEIGHTS.finalize));
    for (const step of task.steps) {
      expect(step.outputJson, `${dieAt} ${step.name}`).toBe(
        String(WEIGHTS[step.name as keyof typeof WEIGHTS]),
      );
      const times = begun.get(`${taskId}/${step.name}`) ?? 0;
      // A Run that its worker kept goes on; one whose assignment was lost on the way costs no attempt.
      expect([1, 2], `${dieAt} ${step.name}`).toContain(times);
    }
    return first !== server.proc;
  } finally {
    over = true;
    client.close();
    worker.close();
    await server.proc?.end("SIGKILL");
    await audit(server.path);
  }
}

/** Under one key, so that asking again after a lost answer is safe. */
function create(client: TaskRunClient, key: string): Promise<string> {
  return until("the task is created", async () => {
    const made = await client.tasks.create({ template: { name: "seven" }, input: {}, idempotencyKey: key });
    return made.id;
  });
}

/** What the file says once everybody is gone: counters equal edges, and every count its Steps. */
async function audit(path: string): Promise<void> {
  const store = sqliteStore({ path });
  await store.boot();
  const { tasks } = await store.reads.tasks({ namespaces: "*" }, undefined, 10);
  const details = await Promise.all(tasks.map(({ id }) => store.reads.task(id)));
  await store.close();
  expect(details).toHaveLength(1);
  expect(
    auditGraph(
      details.flatMap((detail) => detail?.steps ?? []),
      tasks,
    ),
  ).toEqual([]);
}

const nothing = () => {};
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

test.each(["before", "after"])(
  "killed %s any commit of a graph, the server comes back and the task ends as if nothing had been",
  async (when) => {
    let commits = 1;
    while (commits < COMMITS_MOST && (await round(`${commits}:${when}`))) commits += 1;
    // Creation, and for each of the four stages at least a beginning and an end.
    expect(commits).toBeGreaterThan(8);
    expect(commits).toBeLessThan(COMMITS_MOST);
  },
  COMMITS_MOST * ROUND_MS_MAX,
);
