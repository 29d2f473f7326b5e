/** Durable steps from the agent to the store and back: the real worker, the real plane, virtual time. */
import { expect, test } from "vitest";
import { testPlane } from "#testing/plane/index";
import { agent } from "#worker/index";

test("an agent sleeps, asks a person, calls another agent, and does what must be done once, once", async () => {
  const done: string[] = [];
  const seek = agent({
    name: "seek",
    run: async (topic: unknown) => `about ${JSON.stringify(topic)}`,
  });
  const order = agent({
    name: "order",
    async run(_, ctx) {
      const price = await ctx.step("price", () => {
        done.push("price");
        return 5;
      });
      await ctx.sleep(3_600_000);
      const found = await ctx.call("seek", { topic: "cats" });
      const approval = await ctx.waitForSignal("approved");
      const receipt = await ctx.tool(
        "pay",
        { cents: price },
        () => {
          done.push("pay");
          return "receipt 17";
        },
        { effect: "once" },
      );
      ctx.usage({ model: "m", inputTokens: 10, outputTokens: 2 });
      return { price, found, approval, receipt };
    },
  });
  await using plane = await testPlane({ agents: [order, seek] });
  const { id } = await plane.client.tasks.create({ agent: "order", input: {} });
  await plane.advance("2h");
  expect(done).toEqual(["price"]);
  const waiting = await plane.client.tasks.get(id);
  expect(waiting.status).toBe("RUNNING");
  expect(waiting.runs.map(({ reason }) => reason)).toEqual(["SUSPENDED", "SUSPENDED", "SUSPENDED"]);
  await plane.client.tasks.signal(id, "approved", { by: "Ann" });
  const task = await plane.ended(id);

  expect(task.steps[0]?.attempts).toBe(1);
  expect(JSON.parse(task.outputJson)).toEqual({
    price: 5,
    found: 'about {"topic":"cats"}',
    approval: { by: "Ann" },
    receipt: "receipt 17",
  });
  expect(done).toEqual(["price", "pay"]);
});

test("three children run beside each other, and their agent waits for them without a slot", async () => {
  const seek = agent({ name: "seek", run: async (_, ctx) => ctx.labels.topic });
  const research = agent({
    name: "research",
    async run(_, ctx) {
      const topics = ["cats", "dogs", "newts"];
      const children = await Promise.all(
        topics.map((topic) => ctx.spawn("seek", { topic }, { labels: { topic } })),
      );
      return Promise.all(children.map((child) => child.result()));
    },
  });
  await using plane = await testPlane({ agents: [research, seek] });
  const { id } = await plane.client.tasks.create({ agent: "research", input: {} });
  const task = await plane.ended(id);
  expect(JSON.parse(task.outputJson)).toEqual(["cats", "dogs", "newts"]);
});

test("a failed attempt is tried again from what it had done", async () => {
  const done: string[] = [];
  const flaky = agent({
    name: "flaky",
    async run(_, ctx) {
      await ctx.step("first", () => void done.push("first"));
      await ctx.step("second", () => {
        done.push("second");
        if (ctx.attempt === 1) throw new Error("not yet");
      });
      return done.length;
    },
  });
  await using plane = await testPlane({ agents: [flaky] });
  const { id } = await plane.client.tasks.create({ agent: "flaky", input: {}, maxAttempts: 2 });
  await plane.advance("1h");
  const task = await plane.ended(id);
  expect(task.status).toBe("COMPLETED");
  expect(done).toEqual(["first", "second", "second"]);
});

test("a journal that does not fit the code any more is named, and the Task fails", async () => {
  const first = "first";
  const changed = agent({
    name: "changed",
    async run(_, ctx) {
      await ctx.step(ctx.attempt === 1 ? first : "renamed", () => 1);
      throw new Error("again");
    },
  });
  await using plane = await testPlane({ agents: [changed] });
  const { id } = await plane.client.tasks.create({ agent: "changed", input: {}, maxAttempts: 3 });
  await plane.advance("1h");
  const task = await plane.client.tasks.get(id);
  expect(task.status).toBe("FAILED");
  expect(task.runs.at(-1)?.reason).toBe("JOURNAL_MISMATCH");
  expect(task.errorMessage).toContain('"first"');
  expect(task.errorMessage).toContain('"renamed"');
});

test("a step in doubt holds its Task until a person has said whether it was done", async () => {
  let paid = 0;
  const pay = agent({
    name: "pay",
    async run(_, ctx) {
      return ctx.step(
        "charge",
        () => {
          paid += 1;
          if (paid === 1) return new Promise<string>(() => {});
          return "paid";
        },
        { effect: "once" },
      );
    },
  });
  await using plane = await testPlane({ agents: [pay] });
  const { id } = await plane.client.tasks.create({ agent: "pay", input: {} });
  await plane.advance("1s");
  await plane.worker.kill();
  await plane.worker.start();
  await plane.advance("5m");
  const held = await plane.client.tasks.get(id);
  expect([held.status, held.state, held.steps[0]?.errorMessage]).toEqual([
    "RUNNING",
    "blocked_by_failures",
    expect.stringContaining("charge"),
  ]);
  expect(paid).toBe(1);

  const { tasks } = plane.client;
  await tasks.resolveStep(id, "main", { action: "complete", result: "paid by hand", journalEntry: 1 });
  expect(JSON.parse((await plane.ended(id)).outputJson)).toBe("paid by hand");
  expect(paid).toBe(1);
});
