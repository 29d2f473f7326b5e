import { describe, expect, test } from "vitest";
import type { Json } from "#domain/json/json";
import type { TemplateStep } from "#domain/template/template";
import { cancelDuring, type Death, type Story, signalTo, tell } from "../kit/crash-harness.js";
import { type Agent, template } from "../kit/workflow-bench.js";

/** Says its step's name and what it was given. */
const tells: Agent = ({ stepName, results }) => ({
  result: { step: stepName, of: Object.keys(results).sort() },
});

/** Fails these attempts, by step; otherwise tells. */
function failing(attempts: Readonly<Record<string, number>>, otherwise: Agent = tells): Agent {
  return (frame, input) =>
    frame.attempt <= (attempts[frame.stepName] ?? 0)
      ? { error: `${frame.stepName} fails for the ${frame.attempt}. time` }
      : otherwise(frame, input);
}

const outcomes =
  (named: Readonly<Record<string, Json>>): Agent =>
  (frame, input) => {
    const result = named[frame.stepName];
    return result === undefined ? tells(frame, input) : { result };
  };

const seven: readonly TemplateStep[] = [
  { name: "init" },
  { name: "left", dependencies: ["init"] },
  { name: "right", dependencies: ["init"] },
  { name: "validate", dependencies: ["left", "right"] },
  { name: "transform", dependencies: ["left"] },
  { name: "analyze", dependencies: ["right"] },
  { name: "finalize", dependencies: ["validate", "transform", "analyze"] },
];
const patient = { retry: { max_attempts: 3, backoff: "linear", backoff_base_ms: 1_000, jitter: 0 } } as const;
const hasty = { retry: { max_attempts: 3, backoff: "none" } } as const;
const once = { retry: { max_attempts: 1 } } as const;

const booking = template([
  { name: "flight", compensate: "cancel_flight" },
  { name: "hotel", compensate: "cancel_hotel", dependencies: ["flight"] },
  { name: "pay", dependencies: ["hotel"], ...once },
  { name: "cancel_flight", ...hasty },
  { name: "cancel_hotel", ...once },
]);
const cursor_configs = ["0", "1", "2"].map((batch_id) => ({
  batch_id,
  start_cursor: 0,
  end_cursor: 1,
  batch_size: 1,
}));

const stories: Readonly<Record<string, Story>> = {
  "seven steps": { body: template(seven), agent: tells },
  "seven steps, of which some are tried again": {
    body: template(seven.map((step) => ({ ...step, ...(step.name === "right" ? hasty : patient) }))),
    agent: failing({ left: 1, right: 2, finalize: 1 }),
  },
  "a step that goes on from its checkpoint": {
    body: template([
      { name: "long", ...once },
      { name: "after", dependencies: ["long"] },
    ]),
    agent: (frame, { checkpoint }) => {
      const { cursor = 0 } = (checkpoint ?? {}) as { cursor?: number };
      if (frame.stepName !== "long" || cursor >= 3) return { result: { step: frame.stepName, cursor } };
      return { cursor: cursor + 1, output: { upTo: cursor + 1 } };
    },
  },
  "decisions within decisions": {
    body: template([
      { name: "check" },
      { name: "route", type: "decision", dependencies: ["check"] },
      { name: "auto", dependencies: ["route"] },
      { name: "ask", type: "decision", dependencies: ["route"] },
      { name: "manager", dependencies: ["ask"] },
      { name: "finance", dependencies: ["ask"] },
      { name: "done", type: "deferred_convergence", dependencies: ["auto", "manager", "finance"] },
    ]),
    agent: outcomes({
      route: { decision_point_outcome: { type: "create_steps", step_names: ["auto", "ask"] } },
      ask: { decision_point_outcome: { type: "create_steps", step_names: ["finance"] } },
    }),
  },
  "a batch with a bad row": {
    body: template([
      {
        name: "split",
        type: "batchable",
        batch_config: { worker_template: "rows", parallelism: 2, failure_strategy: "isolate" },
      },
      { name: "rows", type: "batch_worker", dependencies: ["split"], ...hasty },
      { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    ]),
    agent: failing(
      { rows_1: 3, rows_2: 1 },
      outcomes({
        split: { batch_processing_outcome: { type: "create_batches", worker_count: 3, cursor_configs } },
      }),
    ),
  },
  "a map, two at a time": {
    body: template([
      { name: "each", type: "map", map: { over: "input/urls", concurrency: 2 }, ...patient },
      { name: "join", dependencies: ["each"] },
    ]),
    input: { urls: [1, 2, 3] },
    agent: failing({ each_001: 1 }),
  },
  "a timer, a signal and a task within": {
    body: template([
      { name: "nap", type: "timer", timer: { delay_ms: 2_000 } },
      { name: "gate", type: "signal", signal: { timeout_ms: 60_000 } },
      {
        name: "sub",
        type: "child_task",
        child: { template: { name: "inner" } },
        dependencies: ["gate"],
        ...hasty,
      },
      { name: "end", dependencies: ["nap", "sub"] },
    ]),
    others: [template([{ name: "x" }, { name: "y", dependencies: ["x"] }], { name: "inner" })],
    agent: tells,
    commands: [signalTo("gate")],
  },
  "a failure, and what was done is undone": {
    body: booking,
    agent: failing({ pay: 1 }, (frame, input) => failing({ flight: input.compensate ? 1 : 0 })(frame, input)),
  },
  "a cancel, and what was done or begun is undone": {
    body: booking,
    agent: tells,
    commands: [cancelDuring("hotel")],
  },
};

test("undisturbed they end as they should", async () => {
  const ends: Record<string, string> = {};
  for (const [name, story] of Object.entries(stories)) {
    const { end } = await tell(story);
    ends[name] = end.map((line) => line.replace(/ [[{].*/, "")).join("; ");
  }
  expect(ends).toMatchInlineSnapshot(`
    {
      "a batch with a bad row": "error rows_1: rows_1 fails for the 3. time; split complete 1; rows_0 complete 1; rows_1 error 3; rows_2 complete 2; sum complete 1; 4 results kept, 1 end",
      "a cancel, and what was done or begun is undone": "cancelled not needed; flight complete 1; hotel cancelled 1; pay cancelled 0; 1 results kept, 1 end;   complete;   hotel complete 1;   flight complete 1;   2 results kept, 1 end",
      "a failure, and what was done is undone": "error pay fails for the 1. time; flight complete 1; hotel complete 1; pay error 1; 2 results kept, 1 end;   complete;   hotel complete 1;   flight complete 2;   2 results kept, 1 end",
      "a map, two at a time": "complete; each complete 1; join complete 1; each_000 complete 1; each_001 complete 2; each_002 complete 1; 5 results kept, 1 end",
      "a step that goes on from its checkpoint": "complete; long complete 1; after complete 1; 2 results kept, 1 end",
      "a timer, a signal and a task within": "complete; nap complete 1; gate complete 1; sub complete 1; end complete 1; 4 results kept, 1 end;   complete;   x complete 1;   y complete 1;   2 results kept, 1 end",
      "decisions within decisions": "complete; check complete 1; route complete 1; auto complete 1; ask complete 1; done complete 1; finance complete 1; 6 results kept, 1 end",
      "seven steps": "complete; init complete 1; left complete 1; right complete 1; transform complete 1; validate complete 1; analyze complete 1; finalize complete 1; 7 results kept, 1 end",
      "seven steps, of which some are tried again": "complete; init complete 1; left complete 2; right complete 3; transform complete 1; validate complete 1; analyze complete 1; finalize complete 2; 7 results kept, 1 end",
    }
  `);
});

/** Each commit of an undisturbed process, and both sides of it. */
function deathsOf(commits: number): Death[] {
  return Array.from({ length: commits }, (_, i) => i + 1).flatMap((commit) => [
    { commit, when: "before" },
    { commit, when: "after" },
  ]);
}

describe.each(Object.entries(stories))("%s", (_, story) => {
  test("end as if nothing had happened, wherever the process is killed", async () => {
    const undisturbed = await tell(story);
    for (const death of deathsOf(undisturbed.commits)) {
      const told = await tell(story, [death]);
      expect({ death, lives: told.lives, end: told.end }).toEqual({ death, lives: 2, end: undisturbed.end });
      for (const [step, times] of undisturbed.ran) expect(told.ran.get(step)).toBeGreaterThanOrEqual(times);
    }
  });
});

test("seven steps end as if nothing had happened, also if the next process is killed in its first commits", async () => {
  const story = stories["seven steps"] as Story;
  const undisturbed = await tell(story);
  for (const first of deathsOf(undisturbed.commits)) {
    for (const second of deathsOf(2)) {
      const told = await tell(story, [first, second, { commit: 1, when: "before" }]);
      expect({ first, second, end: told.end }).toEqual({ first, second, end: undisturbed.end });
    }
  }
});
