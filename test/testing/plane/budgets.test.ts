import { expect, test } from "vitest";
import { TaskRunError } from "#client/index";
import { startTaskRun } from "#embedded/index";
import { testPlane } from "#testing/index";

test("a task says its budget, as asked for and as raised; what is wrong is refused by its name", async () => {
  await using plane = await testPlane({ agents: [] });
  const { tasks } = plane.client;
  const { id, budget } = await tasks.create({ agent: "nobody", budget: { tokens: 1_000, wallMs: 5_000 } });
  expect(budget).toEqual({ tokens: 1_000, wallMs: 5_000 });
  expect((await tasks.create({ agent: "nobody" })).budget).toBeUndefined();
  expect((await tasks.create({ agent: "nobody", budget: {} })).budget).toBeUndefined();

  const raised = await tasks.topUp(id, { tokens: 500 }, { reason: "worth it" });
  expect(raised.budget).toEqual({ tokens: 1_500, wallMs: 5_000 });
  expect((await tasks.get(id)).budget).toEqual({ tokens: 1_500, wallMs: 5_000 });
  const { entries } = await tasks.stepAudit(id, "main");
  expect(entries.map(({ kind, actor, reason }) => [kind, actor, reason])).toEqual([
    ["TOPPED_UP", "local", "worth it"],
  ]);

  const refused = (asked: Promise<unknown>) => expect(asked).rejects;
  await refused(tasks.topUp(id, {})).toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(/^add /),
  });
  await refused(tasks.topUp(id, { usdMicros: 5 })).toMatchObject({ reason: "NOT_BOUNDED" });
  await refused(tasks.topUp(id, { tokens: -5 })).toBeInstanceOf(TaskRunError);
  await refused(tasks.topUp(id, { token: 5 } as never)).toMatchObject({ code: "INVALID_ARGUMENT" });
  await refused(tasks.create({ agent: "nobody", budget: { tokens: 2 ** 53 - 1 } })).toMatchObject({
    message: expect.stringContaining("budget.tokens is"),
  });
});

test("the same key with another budget is another request", async () => {
  await using plane = await testPlane({ agents: [] });
  const { tasks } = plane.client;
  const request = { agent: "nobody", idempotencyKey: "k", budget: { tokens: 5 } };
  const { id } = await tasks.create(request);
  expect((await tasks.create(request)).id).toBe(id);
  await expect(tasks.create({ ...request, budget: { tokens: 6 } })).rejects.toMatchObject({
    code: "ALREADY_EXISTS",
  });
});

test("a task that asks for none gets the default of its namespace and agent; done again it begins anew", async () => {
  const taskrun = await startTaskRun({
    store: "memory",
    log: "silent",
    budgets: { "*": "usd:1", "default/writer": "tokens:2k,usd:5" },
  });
  const { tasks } = taskrun.client;
  const writer = await tasks.create({ agent: "writer" });
  expect(writer.budget).toEqual({ tokens: 2_000, usdMicros: 5_000_000 });
  expect((await tasks.create({ agent: "other" })).budget).toEqual({ usdMicros: 1_000_000 });
  expect((await tasks.create({ agent: "writer", budget: { toolCalls: 3 } })).budget).toEqual({
    toolCalls: 3,
  });
  await tasks.topUp(writer.id, { tokens: 1 });
  await tasks.cancel(writer.id);
  expect((await tasks.retry(writer.id)).budget).toEqual({ tokens: 2_000, usdMicros: 5_000_000 });
  await taskrun.stop();
});

test("a default that is none is refused at the start, with what would be one", async () => {
  await expect(
    startTaskRun({ store: "memory", log: "silent", budgets: { default: "tokens" } }),
  ).rejects.toThrow(/budgets.*"default" has "tokens": write bounds as/);
});
