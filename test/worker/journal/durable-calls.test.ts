import { expect, test } from "vitest";
import { AgentError } from "#worker/agent/error";
import type { EarlierRecord } from "#worker/journal/journal";
import { type Ctx, keptRun, lines, runWith } from "./kit.js";

/** Counts how often each piece of work was done. */
function counted() {
  const done: string[] = [];
  const work = (name: string, result: unknown = name) => {
    return async () => {
      done.push(name);
      return result;
    };
  };
  return { done, work };
}

test("a step is done, kept, and given back to the next run without being done again", async () => {
  const { done, work } = counted();
  const agent = (ctx: Ctx) => ctx.step("price", work("price", { cents: 5 }));

  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(first.came).toEqual({ to: "result", result: { cents: 5 } });
  expect(second.came).toEqual(first.came);
  expect(done).toEqual(["price"]);
  expect(lines(second.journal)).toEqual(['1 STEP price COMPLETED {"cents":5}']);
});

test("a result is what JSON makes of it, at first and later; no result is undefined", async () => {
  const agent = async (ctx: Ctx) => [
    await ctx.step("date", () => new Date(0)),
    await ctx.step("nothing", () => undefined),
  ];

  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(first.came).toEqual({ to: "result", result: ["1970-01-01T00:00:00.000Z", undefined] });
  expect(second.came).toEqual(first.came);
});

test("the same name and input again is another entry, and so is another input", async () => {
  const { done, work } = counted();
  const agent = async (ctx: Ctx) => {
    await ctx.step("a", work("1"), { input: { x: 1, y: 2 } });
    await ctx.step("a", work("2"), { input: { y: 2, x: 1 } });
    await ctx.step("a", work("3"), { input: 3 });
    return ctx.step("a", work("4"));
  };

  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(second.came).toEqual({ to: "result", result: "4" });
  expect(done).toEqual(["1", "2", "3", "4"]);
  expect(first.journal.map(({ occurrence }) => occurrence)).toEqual([1, 2, 1, 1]);
});

test("what must be done once is written down before it is done", async () => {
  let before: EarlierRecord[] = [];
  const run = keptRun();
  const look = () => {
    before = [...run.journal];
  };
  await run.ctx.step("charge", look, { effect: "once" });

  expect(lines(before)).toEqual(["1 STEP charge BEGUN"]);
  expect(lines(run.journal)).toEqual(["1 STEP charge BEGUN", "1 STEP charge COMPLETED"]);
});

test("what a step throws is thrown, and done anew by the next run", async () => {
  let tries = 0;
  const failure = new TypeError("no");
  const agent = (ctx: Ctx) =>
    ctx.step("a", () => {
      tries += 1;
      if (tries === 1) throw failure;
      return tries;
    });

  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(first.came).toEqual({ to: "error", error: failure });
  expect(first.journal).toEqual([]);
  expect(second.came).toEqual({ to: "result", result: 2 });
});

test("a failure in spite of which the agent goes on is kept, and thrown again by its name and message", async () => {
  const errors: unknown[] = [];
  let tries = 0;
  const agent = async (ctx: Ctx) => {
    await ctx
      .step("a", () => {
        tries += 1;
        throw new RangeError("too far");
      })
      .catch((error: Error) => errors.push([error.name, error.message]));
    return ctx.step("b", () => "b");
  };

  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(lines(first.journal)).toEqual(["1 STEP a FAILED RangeError: too far", '2 STEP b COMPLETED "b"']);
  expect(second.came).toEqual({ to: "result", result: "b" });
  expect(errors).toEqual([
    ["RangeError", "too far"],
    ["RangeError", "too far"],
  ]);
  expect(tries).toBe(1);
});

test("steps that began before a failure do not make it final", async () => {
  const agent = async (ctx: Ctx) => {
    const slow = ctx.step("slow", () => new Promise((resolve) => setImmediate(resolve)));
    await ctx.step("bad", () => Promise.reject(new Error("no"))).catch(() => {});
    await slow;
    throw new Error("the agent gives up");
  };

  expect(lines((await runWith(agent)).journal)).toEqual(["1 STEP slow COMPLETED"]);
});

test("a durable step does not begin within another one, but after it", async () => {
  const run = await runWith(async (ctx) => {
    const inner = await ctx.step("outer", () => ctx.sleep(5).catch((error: Error) => error.message));
    return [inner, await ctx.step("after", () => 1)];
  });

  expect(run.came).toMatchObject({ result: [expect.stringMatching(/begins within step "outer", where/), 1] });
});

test("of several waits the same is first in each run, though another one is over meanwhile", async () => {
  const agent = async (ctx: Ctx) => {
    const first = await Promise.race([
      ctx.waitForSignal("stop").then(() => "stopped"),
      ctx.sleep(5).then(() => "slept"),
    ]);
    await ctx.step(first, () => 1);
    await ctx.sleep(5);
    return first;
  };
  const over = (entry: number) => (journal: readonly EarlierRecord[]) => {
    const { wait: _, ...begun } = journal.find((each) => each.entry === entry) as EarlierRecord;
    return [...journal, { ...begun, seq: journal.length, state: "COMPLETED" as const }];
  };

  const first = await runWith(agent);
  const second = await runWith(agent, over(2)(first.journal));
  const third = await runWith(agent, over(4)(over(1)(second.journal)));

  expect(second.came).toMatchObject({ to: "suspension", entries: [1, 4] });
  expect(third.came).toEqual({ to: "result", result: "slept" });
});

const once = { effect: "once" } as const;

test("a once step that throws is in doubt, unless it says that it may be tried again", async () => {
  const throwing = (error: Error) => async (ctx: Ctx) =>
    ctx.step("charge", () => Promise.reject(error), once);

  const unknown = await runWith(throwing(new Error("the line is dead")));
  const known = await runWith(throwing(new AgentError("busy", { retryable: true })));
  const unsaid = await runWith(throwing(new AgentError("busy")));

  expect(lines(unknown.journal)).toEqual(["1 STEP charge BEGUN"]);
  expect(lines(unsaid.journal)).toEqual(["1 STEP charge BEGUN"]);
  expect(lines(known.journal)).toEqual(["1 STEP charge BEGUN", "1 STEP charge NOT_DONE AgentError: busy"]);
});

test("a once step that was not done is begun again by the next run, as the same entry", async () => {
  let tries = 0;
  const agent = async (ctx: Ctx) =>
    ctx.step(
      "charge",
      () => {
        tries += 1;
        if (tries === 1) throw new AgentError("busy", { retryable: true });
        return tries;
      },
      once,
    );
  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(second.came).toEqual({ to: "result", result: 2 });
  expect(lines(second.journal.slice(2))).toEqual(["1 STEP charge BEGUN", "1 STEP charge COMPLETED 2"]);
});

test("a once step that was not done is not begun again where the agent went on in spite of it", async () => {
  const { done, work } = counted();
  const agent = async (ctx: Ctx) => {
    const busy = () => {
      done.push("busy");
      throw new AgentError("busy", { retryable: true });
    };
    await ctx.step("charge", busy, once).catch(() => {});
    return ctx.step("charge", work("charged"), once);
  };
  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  expect(second.came).toEqual({ to: "result", result: "charged" });
  expect(done).toEqual(["busy", "charged"]);
  expect(lines(first.journal)).toEqual([
    "1 STEP charge BEGUN",
    "1 STEP charge NOT_DONE AgentError: busy",
    "1 STEP charge BEGUN",
    "1 STEP charge FAILED AgentError: busy",
    "2 STEP charge#2 BEGUN",
    '2 STEP charge#2 COMPLETED "charged"',
  ]);
});
