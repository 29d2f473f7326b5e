import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "#actors/commands";
import type { RunEnd } from "#actors/run/messages";
import { deadlinePassed } from "#actors/task-finalizer/deadline-passed";
import { runEnded } from "#actors/task-finalizer/run-ended";
import { NO_JOURNAL } from "#domain/task/journal";
import {
  ceiling,
  DEFAULT_RETRY,
  nextAttemptAt,
  paceAfter,
  pauseAfter,
  type RetryPolicy,
} from "#domain/task/retry";
import { hasEnded, type StepRow, type StepState, stepStates } from "#domain/task/step";
import { taskStates } from "#domain/task/task";
import type { FailureStrategy } from "#domain/template/template";
import { type Instant, instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { advanceStep } from "#runtime/machines/lifecycles";
import { asked } from "../kit/asked.js";
import { begun, memberOf, r1, spec, step, stepSpec, t1, task, w1 } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const moments = fc.integer({ min: 1, max: 4e12 }).map(instant);
const hints = fc.integer({ min: 0, max: 600_000 }).map(millis);

const ends: fc.Arbitrary<RunEnd> = fc.oneof(
  fc.record({
    how: fc.constant("completed" as const),
    output: fc.constantFrom("", "{}"),
    outputBytes: fc.nat(9),
  }),
  fc.record({
    how: fc.constant("failed" as const),
    errorMessage: fc.constant("no such ticket"),
    retryable: fc.boolean(),
    retryAfter: hints,
  }),
  fc.record({
    how: fc.constant("lost" as const),
    reason: fc.constantFrom("WORKER_LOST" as const, "OUTPUT_LOST" as const),
    workerId: fc.constant(w1),
    errorMessage: fc.constant("silent"),
  }),
  fc.constant({ how: "handedBack", workerId: w1, message: "I must go" } as const),
  fc.record({
    how: fc.constant("yielded" as const),
    cursor: fc.constantFrom("7", '{"row":7}'),
    output: fc.constantFrom("", "[1]"),
    startedAt: fc.constant(instant(1)),
  }),
);

/** The Step after everything that was asked of it. */
function stepAfter(row: StepRow, commands: readonly Command[]): StepRow {
  return commands.reduce(
    (each, command) => (command.type === "advanceStep" ? advanceStep(each, command.params.message)[0] : each),
    row,
  );
}

const running = task({ state: "steps_in_process", counts: { in_progress: 1 }, hasRun: true });

function settled(row: StepRow, end: RunEnd, at: Instant, draw: number): readonly Command[] {
  const message = { type: "run.ended", taskId: t1, stepName: "main", runId: r1, end } as const;
  return decide(runEnded, message, { task: running, step: row }, at, draw);
}

test("however a run ends, its step is done, waits, or is in the queue again: never left in progress", () => {
  const attempts = fc.record({
    attempts: fc.integer({ min: 1, max: 9 }),
    maxAttempts: fc.integer({ min: 1, max: 9 }),
    losses: fc.nat(5),
    maxLosses: fc.nat(5),
  });

  fc.assert(
    fc.property(ends, attempts, fc.nat(9), moments, draws, (end, tries, declines, at, draw) => {
      const before = begun({ ...tries, declines });
      const after = stepAfter(before, settled(before, end, at, draw));

      const losses = tries.losses + 1;
      const mayTryAgain = tries.attempts < tries.maxAttempts;
      const atOnce = nextAttemptAt(DEFAULT_RETRY, tries.attempts, at, draw) <= at;
      const waits = (hint: number) => (atOnce && hint === 0 ? "enqueued" : "waiting_for_retry");
      const expected: Record<RunEnd["how"], StepState> = {
        completed: "complete",
        handedBack: "enqueued",
        yielded: "enqueued",
        suspended: "in_progress",
        cancelled: "in_progress",
        lost:
          losses > tries.maxLosses ? "error" : pauseAfter(losses) === 0 ? "enqueued" : "waiting_for_retry",
        failed: mayTryAgain && end.how === "failed" && end.retryable ? waits(end.retryAfter) : "error",
      };
      expect(after.state).toBe(expected[end.how]);
      expect(after.attempts).toBe(isFree(end) ? tries.attempts - 1 : tries.attempts);
      expect(after.losses).toBe(end.how === "lost" ? losses : tries.losses);
      expect(after.fence).toBe(before.fence);
    }),
  );
});

/** True if the Run costs no attempt. */
function isFree({ how }: RunEnd): boolean {
  return how === "handedBack" || how === "yielded" || how === "lost";
}

test("max_attempts and max_losses are exact: a step whose every run fails has had that many, and then is an error", () => {
  const bounds = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(12));
  fc.assert(
    fc.property(bounds, fc.infiniteStream(ends), ([maxAttempts, maxLosses], stream) => {
      let row = step({ maxAttempts, maxLosses });
      let counted = 0;
      let lost = 0;
      // A run handed back or stopped at a checkpoint costs nothing, so the story is bounded by its length too.
      for (let i = 1; i < 60 && !hasEnded(row.state); i += 1) {
        const at = instant(i * 1_000_000);
        if (row.state === "waiting_for_retry") row = advanceStep(row, { type: "retry", at })[0];
        if (row.state === "pending") row = advanceStep(row, { type: "enqueue", at, lane: "", rank: 0 })[0];
        row = advanceStep(row, { type: "start", at, runId: r1 })[0];
        const end = stream.next().value as RunEnd;
        if (!isFree(end)) counted += 1;
        if (end.how === "lost") lost += 1;
        expect(row.fence).toBe(i);
        row = stepAfter(row, settled(row, end, at, 0.5));
        expect([row.attempts, row.losses]).toEqual([counted, lost]);
      }
      expect(counted).toBeLessThanOrEqual(maxAttempts);
      expect(lost).toBeLessThanOrEqual(maxLosses + 1);
      if (lost > maxLosses) expect(row.state).toBe("error");
    }),
  );
});

test("only the step's own run counts, and only while the step is in progress", () => {
  const end = { how: "completed", output: "{}", outputBytes: 2 } as const;
  const heard = stepStates.filter((state) => settled(begun({ state }), end, instant(5), 0).length > 0);

  expect(heard).toEqual(["in_progress"]);
  expect(settled(begun({ runId: "r2" as typeof r1 }), end, instant(5), 0)).toEqual([]);
});

test("a step that waits has a deadline at the moment it waits for; one that need not is tried at once", () => {
  fc.assert(
    fc.property(hints, moments, draws, (retryAfter, at, draw) => {
      const end = { how: "failed", errorMessage: "", retryable: true, retryAfter } as const;
      const before = begun({ maxAttempts: 2 });
      const commands = settled(before, end, at, draw);

      const { state, nextAttemptAt: until } = stepAfter(before, commands);
      if (state === "enqueued") {
        expect([retryAfter, nextAttemptAt(DEFAULT_RETRY, 1, at, draw)]).toEqual([0, at]);
        return;
      }
      expect(commands).toContainEqual({
        type: "setDeadline",
        params: { taskId: t1, stepName: "main", kind: "retry", at: until },
      });
      expect(until).toBeGreaterThanOrEqual(at + retryAfter);
      expect(until).toBeLessThan(at + Math.max(retryAfter + 1, DEFAULT_RETRY.base));
    }),
  );
});

test("a deadline that comes early is set again; one that is met is done with, whatever the rows say", () => {
  const ofTask = ["start", "timeout", "orphan", "hold"] as const;
  const ofStep = ["retry", "attempt", "timer", "signal"] as const;
  const kinds = fc.constantFrom<(typeof ofTask | typeof ofStep)[number]>(...ofTask, ...ofStep);
  const rows = fc.record({ state: fc.constantFrom(...taskStates), step: fc.constantFrom(...stepStates) });

  fc.assert(
    fc.property(kinds, rows, fc.integer({ min: -9, max: 9 }), (kind, states, early) => {
      const at = instant(1_000);
      const due = instant(at + early);
      const parts = {
        task: task({ state: states.state }),
        step: begun({ state: states.step }),
      };
      const key = { taskId: t1, stepName: ofTask.some((each) => each === kind) ? "" : "main", kind };
      const [first, ...more] = decide(deadlinePassed, { type: "deadline.passed", ...key, due }, parts, at);

      if (early > 0) {
        expect([first, ...more]).toEqual([{ type: "setDeadline", params: { ...key, at: due } }]);
      } else {
        expect(first).toEqual({ type: "clearDeadline", params: key });
        expect(more).not.toContainEqual(expect.objectContaining({ type: "setDeadline", params: key }));
      }
    }),
  );
});

test("backoff is drawn from the whole interval, which doubles up to its limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), moments, draws, (failures, now, draw) => {
      const next = nextAttemptAt(DEFAULT_RETRY, failures, now, draw);
      const most = Math.min(DEFAULT_RETRY.max, DEFAULT_RETRY.base * 2 ** (failures - 1));

      expect(ceiling(DEFAULT_RETRY, failures)).toBe(most);
      expect(next).toBeGreaterThanOrEqual(now);
      expect(next).toBeLessThan(now + most);
      expect(Number.isInteger(next)).toBe(true);
    }),
  );
  expect(nextAttemptAt(DEFAULT_RETRY, 3, instant(50), 0)).toBe(50);
});

test("a draw out of range, or no failure at all, is a bug of the caller", () => {
  expect(() => nextAttemptAt(DEFAULT_RETRY, 0, instant(0), 0)).toThrow("failures must be at least 1, got 0");
  expect(() => nextAttemptAt(DEFAULT_RETRY, 1, instant(0), 1)).toThrow("draw must be in [0, 1), got 1");
  expect(() => nextAttemptAt(DEFAULT_RETRY, 1, instant(0), -0.1)).toThrow(RangeError);
});

/** What is asked for when the Run of such a Step ends so. */
function addressed(row: StepRow, end: RunEnd, part: Partial<ViewParts> = {}): string[] {
  const message = { type: "run.ended", taskId: t1, stepName: "main", runId: r1, end } as const;
  return asked(decide(runEnded, message, { task: templated, step: row, ...part }, instant(5)));
}

const template = { namespace: "default", name: "flow", version: "1.0.0" };
const templated = task({ ...running, counts: { complete: 3, in_progress: 1 }, spec: spec({ template }) });
const result = { how: "completed", output: '{"ok":true}', outputBytes: 11 } as const;
const failure = { how: "failed", errorMessage: "no", retryable: true, retryAfter: millis(0) } as const;

test("the result of a decision or a batch is kept, and followed before the step is complete", () => {
  for (const type of ["decision", "batchable"] as const) {
    expect(addressed(begun({ spec: stepSpec({ type }), dependants: ["next"] }), result)).toEqual([
      'keepOutput main {"ok":true}',
      "main succeeded 11",
      `tell expand main {"ok":true} ${JSON.stringify(template)}`,
    ]);
  }
  for (const type of ["standard", "deferred_convergence", "batch_worker"] as const) {
    expect(addressed(begun({ spec: stepSpec({ type }), dependants: ["next"] }), result)).toEqual([
      'keepOutput main {"ok":true}',
      "main succeeded 11",
      "main complete 4",
      "tell step.satisfied main",
    ]);
  }
});

test("a step nobody waits for tells nobody; one of many always does, for the next one's sake", () => {
  const quiet = { how: "completed", output: "", outputBytes: 0 } as const;
  expect(addressed(begun(), quiet)).toEqual(["main succeeded 0", "main complete 4"]);
  expect(addressed(begun({ spec: stepSpec(memberOf("rows")) }), quiet).at(-1)).toBe(
    "tell step.satisfied main",
  );
});

test("what a failure for good means depends on the strategy of those it is one of", () => {
  const of = (failure: FailureStrategy) => begun({ spec: stepSpec(memberOf("rows", { failure })) });
  const failed = ["main failed no", "main fail no"];
  expect(addressed(of("fail_fast"), failure)).toEqual(failed);
  expect(addressed(of("continue_on_failure"), failure)).toEqual([...failed, "tell step.satisfied main"]);
  expect(addressed(of("isolate"), failure)).toEqual([...failed, "tell step.satisfied main"]);
});

test("an attempt that had a clock stops it, however it ends", () => {
  const timed = begun({ spec: stepSpec({ timeoutMs: millis(1_000) }), maxAttempts: 2 });
  fc.assert(
    fc.property(ends, (end) => {
      expect(addressed(timed, end)[0]).toBe("clearDeadline main attempt");
      expect(addressed(begun({ maxAttempts: 2 }), end)[0]).not.toBe("clearDeadline main attempt");
    }),
  );
});

test("a checkpoint goes into the step's own input, in place of an earlier one and beside all else", () => {
  const stop = { how: "yielded", cursor: '{"row":7}', output: "", startedAt: instant(5) } as const;
  expect(addressed(begun(), stop)).toEqual([
    'keepInput main {"checkpoint":{"cursor":{"row":7},"output":null}}',
    "main yielded 0 0",
  ]);
  const earlier = { stepInput: '{"item":"a","checkpoint":{"cursor":1,"output":null},"index":0}' };
  expect(addressed(begun(), { ...stop, output: "[1,2]" }, earlier)[0]).toBe(
    'keepInput main {"item":"a","index":0,"checkpoint":{"cursor":{"row":7},"output":[1,2]}}',
  );
});

test("a retry follows the step's own policy; without a backoff it is at once", () => {
  const policy = { backoff: "linear", base: millis(100), max: millis(250), jitter: 0 } as const;
  const tried = (attempts: number, retry: RetryPolicy = policy) =>
    addressed(begun({ attempts, maxAttempts: 9, spec: stepSpec({ retry }) }), failure).at(-1);
  expect([1, 2, 3, 4].map((attempts) => tried(attempts))).toEqual([
    "setDeadline main retry 105",
    "setDeadline main retry 205",
    "setDeadline main retry 255",
    "setDeadline main retry 255",
  ]);
  expect(tried(1, { ...policy, backoff: "none" })).toBe("main enqueue");
});

describe("a step that comes back without an end", () => {
  const back = { how: "handedBack", workerId: w1, message: "I must go" } as const;
  const stop = (cursor: string, startedAt = 5) =>
    ({ how: "yielded", cursor, output: "", startedAt: instant(startedAt) }) as const;
  const at7 = { stepInput: '{"checkpoint":{"cursor":7,"output":null}}' };

  test("waits for longer each time it is handed back, whoever did it, and fails at the bound", () => {
    const waits = Array.from({ length: limits.fruitlessRuns - 1 }, (_, declines) => {
      const after = stepAfter(begun({ declines }), settled(begun({ declines }), back, instant(5), 0));
      expect(after.declines).toBe(declines + 1);
      return after.nextAttemptAt === 0 ? 0 : after.nextAttemptAt - 5;
    });
    expect(waits.slice(0, 12)).toEqual([
      0, 0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
    const all = waits.reduce((sum, wait) => sum + wait, 0);
    expect(all / 3_600_000).toBeCloseTo(1.5, 0);
    expect(addressed(begun({ declines: limits.fruitlessRuns - 1 }), back)).toEqual([
      'main failed DECLINE_LIMIT: the step was handed back 100 times in a row, the last by worker "w1": I must go',
      'main fail DECLINE_LIMIT: the step was handed back 100 times in a row, the last by worker "w1": I must go DECLINE_LIMIT',
    ]);
  });

  test("waits as long when it stops at the checkpoint it began from, and fails at the bound", () => {
    expect(addressed(begun({ declines: 4 }), stop("8"), at7).slice(1)).toEqual(["main yielded 0 0"]);
    expect(addressed(begun({ declines: 4 }), stop("7"), at7).slice(1)).toEqual(["main yielded 5 2005"]);
    expect(addressed(begun({ declines: limits.fruitlessRuns - 1 }), stop("7"), at7).at(-1)).toBe(
      "main fail YIELD_LIMIT: 100 runs in a row stopped at the checkpoint that they began from YIELD_LIMIT",
    );
  });

  test("may stop ten times at once; after that the more there have been, the longer from run to run", () => {
    const next = (fence: number, startedAt: number) =>
      addressed(begun({ fence }), stop("8", startedAt), at7)[1];
    expect(next(10, 5)).toBe("main yielded 0 0");
    expect(next(110, 5)).toBe("main yielded 0 605");
    expect(next(110, -100)).toBe("main yielded 0 500");
    expect(next(110, -1_000)).toBe("main yielded 0 0"); // it took long enough itself: at once
    // A step that stops once a minute is never slowed.
    expect(paceAfter(limits.stepRuns - 1)).toBeLessThan(60_000);
    const last = addressed(begun({ fence: limits.stepRuns }), stop("8"), at7);
    expect(last).toEqual([
      'keepInput main {"checkpoint":{"cursor":8,"output":null}}',
      "main failed YIELD_LIMIT: the step has had 10000 runs, the most of one: stop at fewer checkpoints",
      "main fail YIELD_LIMIT: the step has had 10000 runs, the most of one: stop at fewer checkpoints YIELD_LIMIT",
    ]);
  });

  test("is neither slowed nor stopped for runs that only waited", () => {
    const next = (fence: number, suspensions: number) =>
      addressed(begun({ fence, journal: { ...NO_JOURNAL, suspensions } }), stop("8"), at7)[1];
    expect(next(110, 100)).toBe("main yielded 0 0");
    expect(next(110, 99)).toBe("main yielded 0 11");
    expect(next(limits.stepRuns, 1)).toMatch(/^main yielded/);
    expect(next(limits.stepRuns + 1, 1)).toMatch(/^main failed YIELD_LIMIT: the step has had 10000 runs/);
  });
});
