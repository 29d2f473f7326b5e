import { describe, expect, test } from "vitest";
import type { AddressedMessage } from "#actors/commands";
import type { ResolveAction } from "#domain/task/step";
import {
  all,
  cancel,
  ends,
  fails,
  failsForGood,
  of,
  resolve,
  retry,
  signal,
  undecided,
  withSteps,
  words,
} from "../kit/orders.js";
import { template } from "../kit/plans.js";

/** As `interleavings.test.ts`, with timers, signals, children, operators and what is undone. */

describe("steps that wait for something else than a worker", () => {
  test("a signal that is early, late, repeated or another one, a timeout with a default, and a timer", async () => {
    const gate = { name: "go", timeout_ms: 100, default: "late" };
    const flow = template([
      { name: "first" },
      { name: "gate", type: "signal", signal: gate, dependencies: ["first"] },
      { name: "nap", type: "timer", timer: { delay_ms: 50 } },
      { name: "end", dependencies: ["gate", "nap"] },
    ]);
    const outside = { yes: signal('"yes"'), "yes again": signal('"yes"'), no: signal('"no"') };
    const story = { ...of(flow), word: words(), outside };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" end=complete/1 first=complete/1 gate=complete/1 nap=complete/1",
        ],
        "searched": "4680 orders, 158 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
    expect(ends(await all({ ...story, outside: { ...outside, cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "20880 orders, 536 situations",
      }
    `);
  });

  const child = template([{ name: "x" }, { name: "y", dependencies: ["x"] }], { name: "inner" });
  const parent = template([
    { name: "sub", type: "child_task", child: { template: { name: "inner" } }, retry },
    { name: "side" },
    { name: "end", dependencies: ["sub", "side"] },
  ]);

  test("a step that is a task, which fails once and is made anew", async () => {
    const story = { ...of(parent, child), word: words({ "t2/y#1": failsForGood }) };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" end=complete/1 side=complete/1 sub=complete/2; t2 error "no" x=complete/1 y=error/1; t3 complete "" x=complete/1 y=complete/1",
        ],
        "searched": "78 orders, 38 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
  });

  test("a cancelled parent takes the child with it, in a turn of its own", async () => {
    const story = { ...of(parent, child), word: words(), outside: { cancel } };
    expect(ends(await all(story))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"; t2 cancelled "the task it is a step of has ended"",
          "t1 cancelled "not needed"; t2 complete """,
          "t1 complete ""; t2 complete """,
        ],
        "searched": "387 orders, 87 situations",
      }
    `);
  });
});

describe("an operator, and what is undone", () => {
  const held = template([{ name: "a" }, { name: "b" }, { name: "end", dependencies: ["a", "b"] }], {
    hold_on_failure: true,
  });
  const story = { ...of(held), word: words({ "a#1": failsForGood }), repeats: true };
  const actions: ResolveAction[] = [
    { type: "retry" },
    { type: "resolve" },
    { type: "complete", output: '"by hand"' },
  ];

  test.each(actions)("a held task, and an operator who comes at any time with $type", async (action) => {
    const searched = await all({ ...story, outside: { operator: resolve("a", action) } });
    // Nobody puts it right if the operator comes before the failure: then it is given up in the end.
    expect(ends(searched).ends).toEqual(['t1 complete ""', 't1 error "no"']);
  });

  test("an operator who settles what hangs stops its clock, its run and its wait", async () => {
    const flow = template([
      { name: "slow", timeout_seconds: 1, retry },
      { name: "nap", type: "timer", timer: { delay_ms: 50 } },
      { name: "end", dependencies: ["slow", "nap"] },
    ]);
    const outside = {
      nap: resolve("nap", { type: "resolve" }),
      slow: resolve("slow", { type: "complete", output: "1" }),
    };
    const story = { ...of(flow), word: words({ "slow#1": fails }), repeats: true, outside };
    const searched = await all(story);
    expect(ends(searched)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete """,
          "t1 error "the attempt did not end within 1000 ms, the timeout of its step"",
        ],
        "searched": "4884012 orders, 2474 situations",
      }
    `);
  });

  test("an operator who settles steps that have not begun keeps nobody waiting, and lets no more go than may", async () => {
    const batch_config = { worker_template: "rows", parallelism: 1 };
    const flow = template([
      { name: "a" },
      { name: "split", type: "batchable", batch_config, dependencies: ["a"] },
      { name: "rows", type: "batch_worker", dependencies: ["split"] },
      { name: "end", type: "deferred_convergence", dependencies: ["rows"] },
    ]);
    const cursor_configs = ["0", "1", "2"].map((batch_id) => ({ batch_id }));
    const batches = { type: "create_batches", cursor_configs };
    const word = words({ "split#1": { ok: { batch_processing_outcome: batches } } });
    const [done, first, last] = ["end", "rows_0", "rows_2"].map((name) => resolve(name, { type: "resolve" }));
    const outside = { done, first, last } as Record<string, AddressedMessage>;
    const searched = await all({ ...of(flow), word, outside });
    expect(ends(searched)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete """,
        ],
        "searched": "3516 orders, 536 situations",
      }
    `);
  });

  test("an operator who does several things, and a client who cancels", async () => {
    const [retry, done] = [resolve("a", { type: "retry" }), resolve("", { type: "resolve" })];
    expect(ends(await all({ ...story, outside: { retry, done, cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
          "t1 error "no"",
          "t1 resolved_manually """,
        ],
        "searched": "6267192 orders, 1624 situations",
      }
    `);
  });

  const saga = template([
    { name: "book", compensate: "unbook" },
    { name: "pay", compensate: "refund", dependencies: ["book"] },
    { name: "ship", dependencies: ["pay"] },
    { name: "unbook" },
    { name: "refund" },
  ]);

  test("what was done or begun is undone, once no worker has a run of it any more", async () => {
    const word = words({ "ship#1": failsForGood });
    const story = { ...of(saga), word, begins: true, outside: { cancel } };
    expect(ends(await all(story), withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed" book=cancelled/0 pay=cancelled/0 ship=cancelled/0",
          "t1 cancelled "not needed" book=cancelled/1 pay=cancelled/0 ship=cancelled/0; t2 complete "" book=complete/1",
          "t1 cancelled "not needed" book=complete/1 pay=cancelled/0 ship=cancelled/0; t2 complete "" book=complete/1",
          "t1 cancelled "not needed" book=complete/1 pay=cancelled/1 ship=cancelled/0; t2 complete "" book=complete/1 pay=complete/1",
          "t1 cancelled "not needed" book=complete/1 pay=complete/1 ship=cancelled/0; t2 complete "" book=complete/1 pay=complete/1",
          "t1 cancelled "not needed" book=complete/1 pay=complete/1 ship=cancelled/1; t2 complete "" book=complete/1 pay=complete/1",
          "t1 error "no" book=complete/1 pay=complete/1 ship=error/1; t2 complete "" book=complete/1 pay=complete/1",
        ],
        "searched": "567 orders, 804 situations",
      }
    `);
  });

  test("an undoing step that fails is passed over, and the undoing task says so", async () => {
    const story = { ...of(saga), word: words({ "ship#1": failsForGood, "t2/pay#1": failsForGood }) };
    expect(ends(await all(story), withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 error "no" book=complete/1 pay=complete/1 ship=error/1; t2 error "pay: no" book=complete/1 pay=error/1",
        ],
        "searched": "1 orders, 11 situations",
      }
    `);
  });
});
