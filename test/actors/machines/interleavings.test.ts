import { describe, expect, test } from "vitest";
import type { FailureStrategy } from "#domain/template/template";
import { millis } from "#domain/time/time";
import {
  all,
  cancel,
  ends,
  fails,
  failsForGood,
  of,
  retry,
  undecided,
  withSteps,
  words,
} from "../kit/orders.js";
import { plan, planDraft, template } from "../kit/plans.js";
import { t1 } from "../kit/rows.js";

/**
 * Every order in which the events around a Task can happen, over the runtime's own units. After each event
 * every row is audited, no result is lost, and nothing moves in a Task that has ended: see `wrong.ts`.
 */

/** Two Steps side by side, and one that follows both. */
const joined = (part: object = {}) =>
  plan([{ name: "a", retry, ...part }, { name: "b" }, { name: "c", dependencies: ["a", "b"] }]);

describe("two steps and one that joins them", () => {
  const failsOnce = { draft: planDraft(joined()), word: words({ "a#1": fails }), repeats: true };

  test("a failure, a retry and three results lead to one end, in whatever order they come", async () => {
    const searched = await all(failsOnce);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" a=complete/2 b=complete/1 c=complete/1",
        ],
        "searched": "6012 orders, 72 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
  });

  test("a cancel that comes in between ends it for good, and all that came before is kept", async () => {
    expect(ends(await all({ ...failsOnce, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "31515 orders, 220 situations",
      }
    `);
  });

  test("so does the end of its time", async () => {
    const timed = { ...failsOnce, draft: planDraft(joined(), { timeoutMs: millis(50) }) };
    expect(ends(await all({ ...timed, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
          "t1 error "the task did not end within timeout_ms = 50"",
        ],
        "searched": "185504 orders, 648 situations",
      }
    `);
  });

  test("an attempt's clock and its result: whichever comes first counts, and the other changes nothing", async () => {
    const clock = { draft: planDraft(joined({ timeout_seconds: 1 })), word: words(), repeats: true };
    expect(ends(await all(clock))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete """,
          "t1 error "the attempt did not end within 1000 ms, the timeout of its step"",
        ],
        "searched": "252571 orders, 258 situations",
      }
    `);
    const failsOnce = { ...clock, word: words({ "a#1": fails }), outside: { cancel } };
    expect(ends(await all(failsOnce))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
          "t1 error "the attempt did not end within 1000 ms, the timeout of its step"",
        ],
        "searched": "4652206 orders, 1450 situations",
      }
    `);
  });

  test("lost workers, hand-backs and checkpoints lead to the end all the same", async () => {
    const lost = words({ "a#1": { lost: true }, "b#1": { declines: "I must go" } });
    const story = { draft: planDraft(joined()), word: lost, repeats: true };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" a=complete/1 b=complete/1 c=complete/1",
        ],
        "searched": "213360 orders, 148 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
    expect(ends(await all({ ...story, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "1189807 orders, 484 situations",
      }
    `);

    const word = words({ "a#1": { yields: 7 }, "a#2": fails, "b#1": { yields: 1 } });
    const yields = { draft: planDraft(joined()), word, repeats: true };
    const yielded = await all(yields);
    expect(ends(yielded, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" a=complete/2 b=complete/1 c=complete/1",
        ],
        "searched": "20492824 orders, 356 situations",
      }
    `);
    expect(undecided(yielded)).toEqual([]);
    expect(ends(await all({ ...yields, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "117963481 orders, 1156 situations",
      }
    `);
  });

  test("a failure for good ends the task, whatever the other step is doing", async () => {
    const word = words({ "a#1": fails, "a#2": failsForGood, "b#1": failsForGood });
    const story = { draft: planDraft(joined()), word, repeats: true };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 error "no" a=cancelled/0 b=error/1 c=cancelled/0",
          "t1 error "no" a=cancelled/1 b=error/1 c=cancelled/0",
          "t1 error "no" a=cancelled/2 b=error/1 c=cancelled/0",
          "t1 error "no" a=error/2 b=cancelled/0 c=cancelled/0",
          "t1 error "no" a=error/2 b=cancelled/1 c=cancelled/0",
        ],
        "searched": "284 orders, 60 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
  });
});

describe("steps that are made on the way", () => {
  const flow = template([
    { name: "route", type: "decision" },
    { name: "side" },
    { name: "left", dependencies: ["route"] },
    { name: "right", dependencies: ["route"] },
    { name: "other", dependencies: ["route"] },
    { name: "end", type: "deferred_convergence", dependencies: ["left", "right", "other", "side"] },
  ]);
  const outcome = { type: "create_steps", step_names: ["left", "right"] };
  const decided = words({ "route#1": { ok: { decision_point_outcome: outcome } } });

  test("a decision's branches and what joins them", async () => {
    const story = { ...of(flow), word: decided, repeats: true };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" end=complete/1 left=complete/1 right=complete/1 route=complete/1 side=complete/1",
        ],
        "searched": "469520 orders, 184 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
    expect(ends(await all({ ...story, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "2651047 orders, 720 situations",
      }
    `);
  });

  const batch = (failure_strategy: FailureStrategy) =>
    template([
      {
        name: "split",
        type: "batchable",
        batch_config: { worker_template: "rows", parallelism: 2, failure_strategy },
      },
      { name: "rows", type: "batch_worker", dependencies: ["split"] },
      { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    ]);
  const cursor_configs = ["0", "1", "2"].map((batch_id) => ({ batch_id }));
  const batches = { type: "create_batches", worker_count: 3, cursor_configs };
  const oneBadRow = words({
    "split#1": { ok: { batch_processing_outcome: batches } },
    "rows_1#1": failsForGood,
  });

  test.each([
    ["fail_fast", 't1 error "no"'],
    ["continue_on_failure", 't1 complete ""'],
    ["isolate", 't1 error "rows_1: no"'],
  ] as const)("three workers of a batch, two at a time, of which one fails: %s", async (strategy, end) => {
    const story = { ...of(batch(strategy)), word: oneBadRow, repeats: true };
    const searched = await all(story);
    expect(ends(searched).ends).toEqual([end]);
    expect(undecided(searched)).toEqual([]);
    const cancelled = await all({ ...story, outside: { cancel } });
    expect(ends(cancelled).ends).toEqual([end, 't1 cancelled "not needed"'].sort());
  });

  test("of two maps that begin at once, one that has no list ends the task, and the other makes nothing", async () => {
    const flow = template([
      { name: "a" },
      { name: "bad", type: "map", map: { over: "input/nothing" }, dependencies: ["a"] },
      { name: "good", type: "map", map: { over: "input/urls" }, dependencies: ["a"] },
    ]);
    const draft = planDraft(plan(flow.steps), {}, t1, '{"urls":[1,2,3]}');
    expect(ends(await all({ draft, word: words() }), withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 error "map.over "input/nothing" should be a list; found nothing" a=complete/1 bad=error/1 good=cancelled/1",
        ],
        "searched": "1 orders, 3 situations",
      }
    `);
  });

  test("a map of three, two at a time, of which one fails and is passed over", async () => {
    const map = { over: "input/urls", concurrency: 2, failure_strategy: "continue_on_failure" } as const;
    const flow = plan([
      { name: "each", type: "map", map },
      { name: "side" },
      { name: "end", dependencies: ["each", "side"] },
    ]);
    const draft = planDraft(flow, {}, t1, '{"urls":[1,2,3]}');
    const story = { draft, word: words({ "each_001#1": failsForGood }), repeats: true };
    const searched = await all(story);
    expect(ends(searched, withSteps)).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 complete "" each=complete/1 each_000=complete/1 each_001=error/1 each_002=complete/1 end=complete/1 side=complete/1",
        ],
        "searched": "1778080 orders, 256 situations",
      }
    `);
    expect(undecided(searched)).toEqual([]);
    expect(ends(await all({ ...story, outside: { cancel } }))).toMatchInlineSnapshot(`
      {
        "ends": [
          "t1 cancelled "not needed"",
          "t1 complete """,
        ],
        "searched": "10072210 orders, 1152 situations",
      }
    `);
  });
});
