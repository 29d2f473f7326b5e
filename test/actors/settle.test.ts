import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ask } from "#actors/asks";
import type { RunEnd } from "#actors/run/messages";
import { meetDeadline, settle } from "#actors/task-finalizer/settle";
import { ceiling, DEFAULT_RETRY, nextAttemptAt } from "#domain/retry";
import { isSettled, type StepRow, type StepState, stepStates } from "#domain/step";
import { taskStates } from "#domain/task";
import { type Instant, instant, millis } from "#domain/time";
import { advanceStep } from "#runtime/lifecycles";
import { finalizerFound } from "./found.js";
import { begun, r1, step, t1, task, w1 } from "./rows.js";

const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const moments = fc.integer({ min: 1, max: 4e12 }).map(instant);
const waits = fc.integer({ min: 0, max: 600_000 }).map(millis);

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
    retryAfter: waits,
  }),
  fc.record({ how: fc.constant("lost" as const), errorMessage: fc.constant("silent") }),
  fc.constant({ how: "handedBack", workerId: w1 } as const),
);

/** The Step after everything that was asked of it. */
function stepAfter(row: StepRow, asks: readonly Ask[]): StepRow {
  return asks.reduce(
    (each, ask) => (ask.type === "advanceStep" ? advanceStep(each, ask.params.message)[0] : each),
    row,
  );
}

const running = task({ state: "steps_in_process", counts: { in_progress: 1 }, hasRun: true });

function settled(row: StepRow, end: RunEnd, at: Instant, draw: number): Ask[] {
  const message = { type: "run.ended", taskId: t1, stepName: "main", runId: r1, end } as const;
  return settle(message, finalizerFound({ task: running, step: row }), at, draw);
}

test("however a run ends, its step is done, waits, or is in the queue again: never left in progress", () => {
  const attempts = fc.record({
    attempts: fc.integer({ min: 1, max: 9 }),
    maxAttempts: fc.integer({ min: 1, max: 9 }),
  });

  fc.assert(
    fc.property(ends, attempts, fc.nat(9), moments, draws, (end, tries, declines, at, draw) => {
      const before = begun({ ...tries, declines });
      const after = stepAfter(before, settled(before, end, at, draw));

      const mayTryAgain = tries.attempts < tries.maxAttempts;
      const expected: Record<RunEnd["how"], StepState> = {
        completed: "complete",
        handedBack: "enqueued",
        cancelled: "in_progress",
        lost: mayTryAgain ? "enqueued" : "error",
        failed: mayTryAgain && end.how === "failed" && end.retryable ? "waiting_for_retry" : "error",
      };
      expect(after.state).toBe(expected[end.how]);
      expect(after.attempts).toBe(end.how === "handedBack" ? tries.attempts - 1 : tries.attempts);
      expect(after.fence).toBe(before.fence);
    }),
  );
});

test("max_attempts is exact: a step whose every run fails has had that many, and then is an error", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.infiniteStream(ends), (maxAttempts, stream) => {
      let row = step({ maxAttempts });
      let counted = 0;
      // A handed back run costs nothing, so the story is bounded by its length too.
      for (let i = 1; i < 60 && !isSettled(row.state); i += 1) {
        const at = instant(i * 1_000_000);
        if (row.state === "waiting_for_retry") row = advanceStep(row, { type: "retry", at })[0];
        if (row.state === "pending") row = advanceStep(row, { type: "enqueue", at, lane: "", rank: 0 })[0];
        row = advanceStep(row, { type: "start", at, runId: r1 })[0];
        const end = stream.next().value as RunEnd;
        if (end.how !== "handedBack") counted += 1;
        expect(row.fence).toBe(i);
        row = stepAfter(row, settled(row, end, at, 0.5));
        expect(row.attempts).toBe(counted);
      }
      expect(counted).toBeLessThanOrEqual(maxAttempts);
    }),
  );
});

test("only the step's own run counts, and only while the step is in progress", () => {
  const end = { how: "completed", output: "{}", outputBytes: 2 } as const;
  const heard = stepStates.filter((state) => settled(begun({ state }), end, instant(5), 0).length > 0);

  expect(heard).toEqual(["in_progress"]);
  expect(settled(begun({ runId: "r2" as typeof r1 }), end, instant(5), 0)).toEqual([]);
});

test("a step that waits has a deadline at the moment it waits for", () => {
  fc.assert(
    fc.property(waits, moments, draws, (retryAfter, at, draw) => {
      const end = { how: "failed", errorMessage: "", retryable: true, retryAfter } as const;
      const before = begun({ maxAttempts: 2 });
      const asks = settled(before, end, at, draw);

      const { nextAttemptAt: until } = stepAfter(before, asks);
      expect(asks).toContainEqual({
        type: "setDeadline",
        params: { taskId: t1, stepName: "main", kind: "retry", at: until },
      });
      expect(until).toBeGreaterThanOrEqual(at + retryAfter);
      expect(until).toBeLessThan(at + Math.max(retryAfter + 1, DEFAULT_RETRY.delayFirst));
    }),
  );
});

test("a deadline that comes early is set again; one that is met is done with, whatever the rows say", () => {
  const kinds = fc.constantFrom("start", "timeout", "retry" as const);
  const rows = fc.record({ state: fc.constantFrom(...taskStates), step: fc.constantFrom(...stepStates) });

  fc.assert(
    fc.property(kinds, rows, fc.integer({ min: -9, max: 9 }), (kind, states, early) => {
      const at = instant(1_000);
      const due = instant(at + early);
      const found = finalizerFound({
        task: task({ state: states.state }),
        step: begun({ state: states.step }),
      });
      const key = { taskId: t1, stepName: kind === "retry" ? "main" : "", kind };
      const [first, ...more] = meetDeadline({ type: "deadline.passed", ...key, due }, found, at);

      if (early > 0) {
        expect([first, ...more]).toEqual([{ type: "setDeadline", params: { ...key, at: due } }]);
      } else {
        expect(first).toEqual({ type: "clearDeadline", params: key });
        expect(more.map(({ type }) => type)).not.toContain("setDeadline");
      }
    }),
  );
});

test("backoff is drawn from the whole interval, which doubles up to its limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), moments, draws, (failures, now, draw) => {
      const next = nextAttemptAt(DEFAULT_RETRY, failures, now, draw);
      const most = Math.min(DEFAULT_RETRY.delayMax, DEFAULT_RETRY.delayFirst * 2 ** (failures - 1));

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
