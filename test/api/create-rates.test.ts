/** How fast a namespace may create Tasks. */
import { expect, test } from "vitest";
import { CreateRates } from "#api/tasks/create-rates";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

const SECONDS = limits.createBurst / 1_000;

function stage(rates: Record<string, number>) {
  const clock = { ms: 0 };
  const creates = new CreateRates(new Map(Object.entries(rates)), () => clock.ms);
  const taken = (namespace: string, tries: number) => {
    let count = 0;
    for (let n = 0; n < tries; n++) {
      try {
        creates.take(namespace);
        count += 1;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
    return count;
  };
  const refusal = (namespace: string) => {
    try {
      creates.take(namespace);
    } catch (error) {
      return error as Fault;
    }
    throw new Error("it was let in");
  };
  return { clock, taken, refusal };
}

test("a namespace may create what it has saved up, and then as many as its rate allows", () => {
  const { clock, taken } = stage({ a: 5 });
  expect(taken("a", 1_000)).toBe(5 * SECONDS);
  clock.ms += 1_000;
  expect(taken("a", 1_000)).toBe(5);
  clock.ms += 3_600_000;
  expect(taken("a", 1_000)).toBe(5 * SECONDS);
});

test("one namespace uses up nothing of another's; one that is not named has no limit, or that of *", () => {
  const { taken } = stage({ a: 1 });
  expect(taken("a", 100)).toBe(SECONDS);
  expect(taken("b", 100)).toBe(100);
  const others = stage({ a: 1, "*": 2 });
  expect(others.taken("b", 100)).toBe(2 * SECONDS);
  expect(others.taken("c", 100)).toBe(2 * SECONDS);
  expect(others.taken("a", 100)).toBe(SECONDS);
});

test("who is refused is told when to come again, and is let in then", () => {
  const { clock, taken, refusal } = stage({ a: 0.05 });
  expect(taken("a", 10)).toBe(1);
  const fault = refusal("a");
  expect(fault).toMatchObject({ code: "overloaded", reason: "CREATE_RATE" });
  expect(fault.message).toContain('namespace "a" creates more than 0.05 tasks a second');
  const wait = fault.details.retryAfter ?? 0;
  expect(wait).toBeGreaterThan(1_000);
  clock.ms += wait - 10;
  expect(taken("a", 1)).toBe(0);
  clock.ms += 11;
  expect(taken("a", 1)).toBe(1);
});

test("names that clients make up are forgotten", () => {
  const { clock, taken } = stage({ "*": 1 });
  for (let n = 0; n < limits.createBuckets; n++) taken(`n${n}`, 1);
  clock.ms += limits.createBurst;
  // All of them are full again by now, and make room.
  expect(taken("one more", 100)).toBe(SECONDS);
  expect(taken("n0", 100)).toBe(SECONDS);
});
