/** Budgets from the agent's report to the store and back, with real workers, at one server and at two over one PostgreSQL. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { startTaskRun, type TaskRun, type TaskRunOptions } from "#embedded/index";
import { workflow } from "#templates/index";
import { agent } from "#worker/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";

const started = new Set<TaskRun>();
afterEach(async () => {
  await Promise.all([...started].map((each) => each.stop()));
  started.clear();
});

/** Uses 60 tokens of a model and then goes on for as long as it may, or until it is told that it may end. */
function spender() {
  const told = { ends: false };
  const spends = agent({
    name: "spender",
    concurrency: 2,
    run: async ({ usage, signal }) => {
      usage({ model: "m", inputTokens: 50, outputTokens: 10 });
      while (!told.ends) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        signal.throwIfAborted();
      }
      return 1;
    },
  });
  return { told, spends };
}

const fan = workflow("fan", (w) => {
  w.map("each", { over: "input/list", agent: "spender" });
});

async function start(options: TaskRunOptions): Promise<TaskRun> {
  const one = await startTaskRun({ log: "silent", drainMs: 0, ...options });
  started.add(one);
  return one;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let left = 1_500; left > 0; left -= 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not come true`);
}

async function story(first: TaskRun, second: TaskRun, told: { ends: boolean }): Promise<void> {
  const here = first.client.tasks;
  const there = second.client.tasks;
  const input = { list: [1, 2, 3, 4, 5, 6] };
  const template = { namespace: "default", name: "fan", version: "" };
  const { id } = await here.create({ template, input, budget: { tokens: 100 } });
  await until("it is held", async () => (await there.get(id)).state === "blocked_by_failures");
  await until("every run has ended", async () => {
    const { runs } = await there.get(id);
    return runs.every(({ reason }) => reason === "BUDGET_EXCEEDED");
  });
  const held = await there.get(id);
  expect(held.runs.length).toBeLessThanOrEqual(4);
  expect(held.errorMessage).toContain(`the budget of task ${id} is used up`);
  told.ends = true;
  await there.topUp(id, { tokens: 10_000 });
  await until("it is done", async () => (await here.get(id)).status === "COMPLETED");
  const { steps, budget } = await here.get(id);
  expect(budget).toEqual({ tokens: 10_100 });
  expect(steps.filter(({ agent }) => agent === "spender").map(({ attempts }) => attempts)).toEqual([
    1, 1, 1, 1, 1, 1,
  ]);
}

test("an agent that uses up its budget is stopped, and done when it is raised", async () => {
  const { told, spends } = spender();
  const taskrun = await start({ store: "memory", agents: [spends], templates: [fan] });
  await story(taskrun, taskrun, told);
}, 60_000);

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("two servers over one PostgreSQL", () => {
  let postgres: PostgresServer | undefined;
  afterAll(() => postgres?.remove());

  test("what workers of both use counts against one budget, which either raises", async () => {
    postgres = await PostgresServer.start();
    const store = postgres.url() as `postgres://${string}`;
    const { told, spends } = spender();
    const first = await start({ store, agents: [spends], templates: [fan] });
    const second = await start({ store, agents: [spends], templates: [fan] });
    await story(first, second, told);
  }, 120_000);
});
