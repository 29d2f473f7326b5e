import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { Store } from "#ports/store";
import { Leases } from "#runtime/timers/leases";
import { Timers } from "#runtime/timers/timers";

test("so many deadlines are read at once as are decided soon", async () => {
  let now = 0;
  let left = 2_000;
  const asked: number[] = [];
  let wake: (() => void) | undefined;
  const clock = {
    now: () => instant(1_000),
    monotonic: () => now,
    wakeAt: (_: unknown, tick: () => void) => {
      wake = tick;
      return () => undefined;
    },
  } as unknown as Clock;
  const due = async (_: unknown, limit: number) => {
    asked.push(limit);
    const found = Math.min(limit, left);
    return Array.from({ length: found }, (_, i): Deadline => {
      return { taskId: `t${left - i}` as TaskId, stepName: "", kind: "start", at: instant(1) };
    });
  };
  const store = { due, nextDueAt: async () => (left > 0 ? instant(1) : undefined) } as unknown as Store;
  let eachMs = 10;
  const told: (() => void)[] = [];
  const timers = new Timers(clock, store, new Leases(), {
    silent: () => true,
    deadline: (_, handled) => told.push(handled) > 0,
    schedule: () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  const batch = async () => {
    wake?.();
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    for (const handled of told.splice(0)) {
      now += eachMs;
      left -= 1;
      handled();
    }
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
  };
  timers.deadlineSet(instant(1));
  for (let i = 0; i < 4; i += 1) await batch();
  const some = limits.dueBatch / 10;
  expect(asked).toEqual([limits.dueDeadlines, some, 2 * some, some]);
  eachMs = 0;
  for (let i = 0; i < 6; i += 1) await batch();
  expect(asked.slice(4)).toEqual([20, 40, 80, 160, limits.dueDeadlines, limits.dueDeadlines]);
  eachMs = 1_000;
  await batch();
  await batch();
  expect(asked.at(-1)).toBe(4);
});
