import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClockReading, clockWarning, startOfPlaneTime } from "#domain/time/plane-time";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";

const DAY = 24 * 3_600_000;
const known = Date.parse("2026-11-28T10:00:00Z");
const reading = (days: number, more: Partial<ClockReading> = {}): ClockReading => ({
  wall: instant(known + days * DAY),
  persisted: instant(known),
  anythingAtStake: true,
  accept: false,
  ...more,
});
/** How far plane time begins from what the store remembers, in days, and why. */
const begins = (days: number, more: Partial<ClockReading> = {}) => {
  const { at, verdict } = startOfPlaneTime(reading(days, more));
  return `${(at - known) / DAY} ${verdict}`;
};

test("the wall clock is believed within a week of what the store remembers; time never goes back", () => {
  expect([0, 1 / 24, 6.5, 7].map((days) => begins(days))).toEqual([
    "0 believed",
    `${1 / 24} believed`,
    "6.5 believed",
    "7 believed",
  ]);
  expect([-1 / 24, -7].map((days) => begins(days))).toEqual(["0 believed", "0 believed"]);
  expect([7.01, 3_650].map((days) => begins(days))).toEqual(["0 ahead", "0 ahead"]);
  expect([-7.01, -3_650].map((days) => begins(days))).toEqual(["0 behind", "0 behind"]);
});

test("an operator's word lets it go on from any later wall clock, and back from none", () => {
  expect(begins(3_650, { accept: true })).toBe("3650 accepted");
  expect(begins(-3_650, { accept: true })).toBe("0 behind");
});

test("a store that is new, or has no task, believes any wall clock", () => {
  for (const days of [3_650, -3_650]) {
    expect(begins(days, { anythingAtStake: false })).toBe(`${days} believed`);
    expect(begins(days, { persisted: instant(0) })).toBe(`${days} believed`);
  }
});

test("no start without a word moves time by more than a week, and none moves it back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4e12 }), fc.integer({ min: 1, max: 4e12 }), (persisted, wall) => {
      const more = { persisted: instant(persisted), wall: instant(wall) };
      const { at } = startOfPlaneTime(reading(0, more));
      expect(at).toBeGreaterThanOrEqual(persisted);
      expect(at - persisted).toBeLessThanOrEqual(limits.clockGap);
    }),
  );
});

test("what an operator is told names both times and the way out", () => {
  const told = (days: number) => clockWarning(startOfPlaneTime(reading(days)));
  expect(told(1)).toBe(undefined);
  expect(told(3_653)).toBe(
    "the wall clock said 2036-11-28T10:00:00.000Z at the start, 3653 days after the last thing this data directory remembers, 2026-11-28T10:00:00.000Z, and was not believed: time goes on from there, so that nothing is ended or removed by the jump, and dates are behind. If the wall clock is right, start once with --accept-clock; if it is not, set it and start again.",
  );
  expect(told(-3_653)).toMatch(
    /^the wall clock said 2016-11-27T10:00:00.000Z .* 3653 days before .*: one of them is wrong/,
  );
  expect(told(1e9)).toContain("ms after 1970");
});
