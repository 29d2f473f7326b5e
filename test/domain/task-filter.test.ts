import { expect, test } from "vitest";
import { beginningAt, ID_TIME_MAX, timeOf } from "#domain/id-time";
import { THE_PLANE } from "#domain/pause/pause";
import { NO_PAUSES, PauseSet } from "#domain/pause/pause-set";
import { taskStates } from "#domain/task/task";
import {
  statesWaiting,
  type TaskWaitingCause,
  taskWaitingCause,
  taskWaitingReason,
} from "#domain/task/waiting-reason";
import { instant, NEVER } from "#domain/time/time";
import { spec } from "#testing/rows";

const allPaused = new PauseSet([{ scope: THE_PLANE, reason: "", until: NEVER, by: "ops", at: instant(1) }]);

test("a Task waits for something only in the states that are listed for it, and in each of them", () => {
  const seen: Partial<Record<TaskWaitingCause, Set<string>>> = {};
  for (const state of taskStates) {
    for (const startAt of [0, 5].map(instant)) {
      for (const counts of [{}, { enqueued: 1, waiting_for_retry: 2, error: 1 }]) {
        const row = { state, spec: spec({ startAt }), counts, namespace: "default", reason: "" } as const;
        for (const pauses of [NO_PAUSES, allPaused]) {
          const cause = taskWaitingCause(row, pauses);
          expect(taskWaitingReason(row, { now: instant(9), pauses }).split(":")[0]).toBe(cause ?? "");
          if (cause === undefined) continue;
          seen[cause] ??= new Set();
          seen[cause].add(state);
        }
      }
    }
  }

  const states = Object.entries(seen).map(([cause, set]) => [cause, [...set]]);
  expect(Object.fromEntries(states)).toEqual(statesWaiting);
});

test("an id sorts by the beginning of its millisecond, and tells it", () => {
  const id = "018bcfe5-687b-7c3d-8000-123456789abc";
  const at = timeOf(id);
  expect(at).toBe(1_700_000_000_123);
  expect(id >= beginningAt(instant(1_700_000_000_123))).toBe(true);
  expect(id < beginningAt(instant(1_700_000_000_124))).toBe(true);
  expect(["task-1", "", "018bcfe5-687b-4c3d-8000-123456789abc"].map(timeOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(beginningAt(instant(0))).toBe("00000000-0000");
  expect(beginningAt(instant(ID_TIME_MAX + 1))).toBe("ffffffff-ffff");
});
