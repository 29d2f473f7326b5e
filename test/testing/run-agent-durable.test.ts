import { expect, test } from "vitest";
import { type AgentRun, runAgent } from "#testing/index";
import { type AgentContext, AgentError, agent } from "#worker/index";

const durable = (run: (ctx: AgentContext) => Promise<unknown>) =>
  agent({ name: "durable", run: (_, ctx) => run(ctx) });

function lines({ journal }: AgentRun<unknown>): string[] {
  return journal.map(({ kind, name, state }) => `${kind} ${name} ${state}`);
}

/** Two of each kind, and a person between. */
const order = durable(async (ctx) => {
  const price = await ctx.step("price", () => 5);
  await ctx.sleep(86_400_000);
  const answer = await ctx.waitForSignal("approved");
  const bought = await ctx.tool("buy", { price }, async (args) => ({ paid: args.price }), { effect: "once" });
  const child = await ctx.spawn("ship", { to: "Ann" });
  return { answer, bought, task: child.taskId, shipped: await child.result() };
});

const outcomes = {
  signals: { approved: [{ by: "Ann" }] },
  children: { ship: ({ to }: { to: string }) => `on its way to ${to}` },
};

test("durable steps work without a plane: signals and children are given, and sleeps do not wait", async () => {
  const run = await runAgent(order, {}, outcomes);

  expect(run.result).toEqual({
    answer: { by: "Ann" },
    bought: { paid: 5 },
    task: "child-7",
    shipped: "on its way to Ann",
  });
  expect(lines(run)).toEqual([
    ...["STEP price COMPLETED", "SLEEP sleep BEGUN", "SLEEP sleep COMPLETED", "SIGNAL approved BEGUN"],
    ...["SIGNAL approved COMPLETED", "TOOL buy BEGUN", "TOOL buy COMPLETED", "CHILD ship BEGUN"],
    "CHILD ship COMPLETED",
  ]);
  expect(run.events).toMatchObject([{ kind: "TOOL_REQUESTED" }, { kind: "TOOL_COMPLETED" }]);
  expect(run.usage).toMatchObject([{ model: "", toolCalls: 1 }]);
});

test("a run goes on from the journal of another one, cut anywhere but within what is in doubt", async () => {
  const whole = await runAgent(order, {}, outcomes);
  for (let length = 0; length <= whole.journal.length; length += 1) {
    const run = runAgent(order, {}, { ...outcomes, journal: whole.journal.slice(0, length) });
    if (whole.journal[length - 1]?.name === "buy" && whole.journal[length - 1]?.state === "BEGUN") {
      await expect(run).rejects.toThrow(/tool "buy" with input .* was begun by an earlier run/);
    } else {
      const { result, journal } = await run;
      expect(result).toEqual(whole.result);
      expect(journal).toEqual(whole.journal);
    }
  }
});

test("an agent that does not fit the journal rejects, whatever it makes of the error", async () => {
  const { journal } = await runAgent(
    durable((ctx) => ctx.step("a", () => 1)),
    {},
  );

  await expect(
    runAgent(
      durable((ctx) => ctx.step("b", () => 2).catch(() => "caught")),
      {},
      { journal },
    ),
  ).rejects.toThrow(
    'an earlier run had step "a" next (entry 1), and now it is step "b": the name has changed',
  );
  await expect(
    runAgent(
      durable(async () => 1),
      {},
      { journal },
    ),
  ).rejects.toThrow("without it");
});

test("what an agent waits for and is not given is said", async () => {
  await expect(
    runAgent(
      durable((ctx) => ctx.waitForSignal("go")),
      {},
    ),
  ).rejects.toThrow('the agent waits for the signal "go", of which the option signals has none left');
  await expect(
    runAgent(
      durable((ctx) => ctx.call("search", {})),
      {},
    ),
  ).rejects.toThrow('the agent begins the child "search", of which the option children has none');
});

test("a signal that does not come in time is its default, or an error; a child that throws is one", async () => {
  const waiting = (options: object) =>
    durable((ctx) => ctx.waitForSignal("go", { timeoutMs: 5, ...options }));
  const failing = () => {
    throw new AgentError("no ship");
  };

  expect((await runAgent(waiting({ default: "no" }), {})).result).toBe("no");
  await expect(runAgent(waiting({}), {})).rejects.toThrow('no signal "go" has come in time');
  await expect(
    runAgent(
      durable((ctx) => ctx.call("ship", 1)),
      {},
      { children: { ship: failing } },
    ),
  ).rejects.toThrow(/the child task child-0 \("ship"\) has failed: AgentError: no ship/);
});

test("an agent with durable steps cannot stop at a checkpoint", async () => {
  const both = durable(async (ctx) => {
    await ctx.step("a", () => 1);
    return ctx.yield(1);
  });
  await expect(runAgent(both, {})).rejects.toThrow("stopped at a checkpoint although it has durable steps");
});

test("usage is recorded", async () => {
  const { usage } = await runAgent(
    durable(async (ctx) => ctx.usage({ model: "m", inputTokens: 3, usdMicros: 4 })),
    {},
  );

  expect(usage).toEqual([
    { model: "m", inputTokens: 3, outputTokens: 0, cachedTokens: 0, toolCalls: 0, usdMicros: 4 },
  ]);
});
