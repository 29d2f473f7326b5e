import { expect, test } from "vitest";
import { testPlane } from "#testing/index";
import { agent } from "#worker/index";

/** What an agent has done, in the world. */
function world() {
  const done: string[] = [];
  const work = <Result>(name: string, result: Result) => {
    return async () => {
      done.push(name);
      return result;
    };
  };
  return { done, work };
}

test("an agent waits for time, a person and another agent, in several runs of one attempt", async () => {
  const { done, work } = world();
  const ship = agent({ name: "ship", run: async (input) => ({ shipped: input }) });
  const order = agent({
    name: "order",
    async run(_, ctx) {
      const price = await ctx.step("price", work("price", 5));
      await ctx.sleep(86_400_000);
      const answer = await ctx.waitForSignal("approved");
      const paid = await ctx.tool("pay", { price }, work("pay", "paid"), { effect: "once" });
      const child = await ctx.call(ship, { to: "Ann" });
      return { attempt: ctx.attempt, answer, paid, child };
    },
  });
  await using plane = await testPlane({ agents: [order, ship] });

  const { id } = await plane.client.tasks.create({ agent: "order" });
  await plane.advance("1d");
  await plane.client.tasks.signal(id, "approved", { by: "Ann" });
  const task = await plane.ended(id);

  expect(JSON.parse(task.outputJson)).toEqual({
    attempt: 1,
    answer: { by: "Ann" },
    paid: "paid",
    child: { shipped: { to: "Ann" } },
  });
  expect(done).toEqual(["price", "pay"]);
});

test("a signal that came before it was waited for counts, and one that does not come is its default", async () => {
  const waiting = agent({
    name: "waiting",
    async run(_, ctx) {
      await ctx.sleep(60_000);
      const first = await ctx.waitForSignal("go");
      const second = await ctx.waitForSignal("go", { timeoutMs: 60_000, default: "nobody" });
      return [first, second];
    },
  });
  await using plane = await testPlane({ agents: [waiting] });

  const { id } = await plane.client.tasks.create({ agent: "waiting" });
  await plane.client.tasks.signal(id, "go", "early");
  const task = await plane.ended(id, { within: "5m" });

  expect(JSON.parse(task.outputJson)).toEqual(["early", "nobody"]);
});

test("children run at once, and are joined", async () => {
  const search = agent({ name: "search", run: async (input) => `found ${String(input)}` });
  const research = agent({
    name: "research",
    async run(_, ctx) {
      const children = await Promise.all(["cats", "dogs", "owls"].map((topic) => ctx.spawn("search", topic)));
      return Promise.all(children.map((child) => child.result()));
    },
  });
  await using plane = await testPlane({ agents: [research, search] });

  const { id } = await plane.client.tasks.create({ agent: "research" });

  expect(JSON.parse((await plane.ended(id)).outputJson)).toEqual(["found cats", "found dogs", "found owls"]);
});

test("a worker that takes over an agent goes on where the other was lost", async () => {
  const { done, work } = world();
  const runs: number[] = [];
  const slow = agent({
    name: "slow",
    async run(_, ctx) {
      runs.push(ctx.attempt);
      const a = await ctx.step("a", work("a", 1));
      const b = await ctx.step("b", async () => {
        done.push("b");
        if (runs.length === 1) await new Promise(() => {}); // its worker is lost meanwhile
        return 2;
      });
      return a + b;
    },
  });
  await using plane = await testPlane({ agents: [slow] });
  const { id } = await plane.client.tasks.create({ agent: "slow" });
  await plane.serve({ id: "worker-2", agents: [slow] });

  await plane.worker.kill();
  const task = await plane.ended(id, { within: "10m" });

  expect(task.outputJson).toBe("3");
  expect(done).toEqual(["a", "b", "b"]);
});
