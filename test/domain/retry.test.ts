import fc from "fast-check";
import { expect, test } from "vitest";
import { type Backoff, backoffs, ceiling, nextAttemptAt, type RetryPolicy } from "#domain/task/retry";
import { instant, millis } from "#domain/time/time";

const policy = (backoff: Backoff, jitter = 0): RetryPolicy => ({
  backoff,
  base: millis(100),
  max: millis(1_000),
  jitter,
});

test.each<[Backoff, number[]]>([
  ["none", [0, 0, 0, 0, 0, 0]],
  ["linear", [100, 200, 300, 400, 500, 600]],
  ["exponential", [100, 200, 400, 800, 1_000, 1_000]],
  ["fibonacci", [100, 100, 200, 300, 500, 800]],
])("%s backoff grows from failure to failure, up to its cap", (backoff, delays) => {
  expect(delays.map((_, i) => ceiling(policy(backoff), i + 1))).toEqual(delays);
});

test("chance decides the share of the delay that jitter says, and only that", () => {
  const now = instant(10_000);

  expect(nextAttemptAt(policy("linear", 0), 2, now, 0.99)).toBe(10_200);
  expect(nextAttemptAt(policy("linear", 0.5), 2, now, 0)).toBe(10_100);
  expect(nextAttemptAt(policy("linear", 0.5), 2, now, 0.5)).toBe(10_150);
  expect(nextAttemptAt(policy("linear", 1), 2, now, 0)).toBe(10_000);
});

test("a retry is never before its delay's fixed share nor after its cap, however many failures there were", () => {
  const any = fc.record({
    backoff: fc.constantFrom(...backoffs),
    base: fc.nat({ max: 86_400_000 }).map(millis),
    max: fc.nat({ max: 86_400_000 }).map(millis),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: 100 }), draw, (retry, failures, chance) => {
      const now = instant(1_000_000);
      const delay = nextAttemptAt(retry, failures, now, chance) - now;
      expect(delay).toBeGreaterThanOrEqual(Math.floor((1 - retry.jitter) * ceiling(retry, failures)));
      expect(delay).toBeLessThanOrEqual(retry.max);
      expect(Number.isInteger(delay)).toBe(true);
    }),
  );
});

test("no failure and a draw outside of chance are bugs of the caller", () => {
  expect(() => ceiling(policy("linear"), 0)).toThrow(RangeError);
  expect(() => nextAttemptAt(policy("linear"), 1, instant(0), 1)).toThrow(RangeError);
});
