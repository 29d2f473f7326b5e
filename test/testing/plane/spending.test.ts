/** Agents of a real worker that spend what their Task may use. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type TestPlane, testPlane } from "#testing/index";
import { type AgentContext, agent } from "#worker/index";

const TURNS = 6;

/** An agent that spends 30 tokens in each of six durable steps, and writes down what it does. */
function spender(name: string, done: string[]) {
  return agent({
    name,
    async run(input, ctx: AgentContext) {
      for (let turn = 1; turn <= TURNS; turn += 1) {
        await ctx.output(`turn ${turn};`);
        await ctx.step(`turn ${turn}`, async () => {
          done.push(`${JSON.stringify(input)} ${turn}`);
          ctx.usage({ model: "m", inputTokens: 20, outputTokens: 10 });
          return turn;
        });
      }
      return TURNS;
    },
  });
}

/** What the log of a Task that has ended says to people, and what its Runs wrote. */
async function storyOf({ client }: TestPlane, id: string) {
  const warnings: string[] = [];
  const output: string[] = [];
  let tokens = 0;
  for await (const event of client.tasks.watch(id)) {
    if (event.type === "task") warnings.push(...event.task.warnings);
    if (event.type === "output") output.push(event.output.content);
    if (event.type === "usage") tokens += event.usage.inputTokens + event.usage.outputTokens;
  }
  return { warnings, output: output.join(""), tokens };
}

test("an agent that has used up its budget is stopped, and goes on from its journal when that is raised", async () => {
  const done: string[] = [];
  await using plane = await testPlane({ agents: [spender("spends", done)] });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ agent: "spends", input: 0, budget: { tokens: 100 } });
  await plane.advance("1d");

  const held = await tasks.get(id);
  expect(held).toMatchObject({ status: "RUNNING", state: "blocked_by_failures" });
  expect(held.waitingReason).toBe(
    "OPERATOR: 1 step is failed for good, the last because a budget is used up: raise it",
  );
  expect(held.runs).toMatchObject([{ status: "FAILED", reason: "BUDGET_EXCEEDED", usage: { reports: 4 } }]);
  expect(plane.worker.activeRuns).toBe(0);
  expect((await tasks.explain(id)).actions[0]?.command).toBe(`taskrun task topup ${id} --tokens N`);
  expect(done).toEqual(["0 1", "0 2", "0 3", "0 4"]);

  await tasks.topUp(id, { tokens: 1_000 });
  const ended = await plane.ended(id, { within: "1m" });
  expect(ended).toMatchObject({ status: "COMPLETED", outputJson: "6", steps: [{ attempts: 1, losses: 0 }] });
  expect(done).toEqual(["0 1", "0 2", "0 3", "0 4", "0 5", "0 6"]);
  expect(await storyOf(plane, id)).toEqual({
    warnings: [
      "BUDGET: nearly used up: 90 tokens of 100 tokens",
      `BUDGET_EXCEEDED: the budget of task ${id} is used up: 120 tokens of 100 tokens`,
      "BUDGET: raised by 1000 tokens",
    ],
    output: "turn 1;turn 2;turn 3;turn 4;turn 1;turn 2;turn 3;turn 4;turn 5;turn 6;",
    tokens: 180,
  });
});

test("a tool that must be called once, and uses up the budget, is not in doubt", async () => {
  const done: number[] = [];
  const tooled = agent({
    name: "tooled",
    async run(_, ctx: AgentContext) {
      const pay = async ({ i }: { i: number }, signal: AbortSignal) => {
        for (let turn = 0; turn < 20; turn += 1) await nextTurn();
        signal.throwIfAborted();
        return done.push(i);
      };
      for (let i = 1; i <= 4; i += 1) await ctx.tool("pay", { i }, pay, { effect: "once" });
      return done.length;
    },
  });
  await using plane = await testPlane({ agents: [tooled], agentPatienceMs: 60_000 });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ agent: "tooled", budget: { toolCalls: 2 } });
  await plane.advance("1m");
  expect((await tasks.get(id)).runs).toMatchObject([{ reason: "BUDGET_EXCEEDED", usage: { toolCalls: 2 } }]);
  expect((await tasks.explain(id)).actions[0]?.command).toBe(`taskrun task topup ${id} --tool-calls N`);
  await tasks.topUp(id, { toolCalls: 10 });
  expect((await plane.ended(id, { within: "1m" })).outputJson).toBe("4");
  expect(done).toEqual([1, 2, 3, 4]);
});

test("what agents below use counts against the budget of their task: each spends at most one report more, and that task says what to do", async () => {
  const done: string[] = [];
  const lead = agent({
    name: "lead",
    async run(_, ctx: AgentContext) {
      const children = await Promise.all([1, 2, 3].map((n) => ctx.spawn("spends", n)));
      return Promise.all(children.map((child) => child.result()));
    },
  });
  await using plane = await testPlane({ agents: [lead, spender("spends", done)] });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ agent: "lead", budget: { tokens: 100, toolCalls: 50 } });
  await plane.advance("1d");

  const held = await tasks.get(id);
  // Its own agent waits, which costs nothing; what it waits for is held.
  expect(held).toMatchObject({ state: "steps_in_process", runs: [{ reason: "SUSPENDED" }] });
  const used = (held.usage?.inputTokens ?? 0) + (held.usage?.outputTokens ?? 0);
  expect(used).toBeGreaterThanOrEqual(100);
  expect(used).toBeLessThan(100 + 3 * 30);
  expect((await tasks.explain(id)).actions[0]).toEqual({
    command: `taskrun task topup ${id} --tokens N`,
    effect: "raises the budget that is used up",
  });
  const below: string[] = [];
  for await (const child of tasks.list({ parentTaskId: id })) {
    below.push(child.state);
    expect((await tasks.explain(child.id)).actions[0]?.command).toBe(`taskrun task topup ${id} --tokens N`);
  }
  expect(below).toEqual(Array(3).fill("blocked_by_failures"));

  await tasks.topUp(id, { tokens: 1_000 });
  expect(await plane.ended(id, { within: "1m" })).toMatchObject({
    status: "COMPLETED",
    outputJson: "[6,6,6]",
    usage: { inputTokens: 18 * 20, outputTokens: 18 * 10, reports: 18 },
  });
  expect(done.sort()).toEqual([1, 2, 3].flatMap((n) => [1, 2, 3, 4, 5, 6].map((turn) => `${n} ${turn}`)));
});
