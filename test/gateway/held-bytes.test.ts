import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time";
import { HeldBudget, HeldBytes, Holding } from "#gateway/held-bytes";

const late = () => new Fault("too_slow", "late");
const full = () => new Fault("overloaded", "full");
let cuts: string[];

beforeEach(() => {
  cuts = [];
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => vi.useRealTimers());

const holding = (name: string) => new Holding(({ message }) => cuts.push(`${name} ${message}`));

const unbounded = { holdings: Number.POSITIVE_INFINITY, full };

test("above the usual bytes the oldest goes if it is not young, and no more than must", () => {
  const budget = new HeldBudget(100, 200);
  const [received, sent] = [new HeldBytes(budget, unbounded), new HeldBytes(budget, unbounded)];
  const [a, b, c] = ["a", "b", "c"].map(holding) as [Holding, Holding, Holding];
  received.hold(a, 40);
  sent.hold(b, 40);
  received.hold(a, 50); // grows, and is no younger for it
  vi.advanceTimersByTime(1);
  received.hold(c, 90);
  expect(cuts).toEqual([]);
  vi.advanceTimersByTime(2_001);
  received.hold(c, 91);
  expect(cuts).toEqual(["a full", "b full"]);
  expect([budget.bytes, received.count, sent.count]).toEqual([91, 1, 0]);
});

test("above the most the oldest goes, however young, and be it the one that asks", () => {
  const budget = new HeldBudget(100, 200);
  const held = new HeldBytes(budget, unbounded);
  const [a, b] = ["a", "b"].map(holding) as [Holding, Holding];
  held.hold(a, 150);
  held.hold(b, 51);
  expect(cuts).toEqual(["a full"]);
  held.hold(b, 201);
  expect(cuts).toEqual(["a full", "b full"]);
  expect(budget.bytes).toBe(0);
});

test("above its number the oldest goes", () => {
  const held = new HeldBytes(new HeldBudget(100, 100), { holdings: 2, full });
  for (const name of ["a", "b", "c", "d"]) held.hold(holding(name), 0);
  expect(cuts).toEqual(["a full", "b full"]);
});

test("what is released counts no more, once, and may be held anew", () => {
  const budget = new HeldBudget(100, 100);
  const held = new HeldBytes(budget, unbounded);
  const a = holding("a");
  held.hold(a, 60);
  held.release(a);
  held.release(a);
  expect([budget.bytes, held.count, a.bytes]).toEqual([0, 0, 0]);
  held.hold(a, 10);
  expect([budget.bytes, held.count]).toEqual([10, 1]);
});

test("each has its time from when it was held first, however it grows", () => {
  const held = new HeldBytes(new HeldBudget(1_000, 1_000), {
    holdings: 10,
    deadline: millis(40_000),
    late,
    full,
  });
  const [a, b] = ["a", "b"].map(holding) as [Holding, Holding];
  held.hold(a, 1);
  vi.advanceTimersByTime(30_000);
  held.hold(a, 2);
  held.hold(b, 1);
  vi.advanceTimersByTime(12_000);
  expect(cuts).toEqual(["a late"]);
  held.release(b);
  vi.advanceTimersByTime(60_000);
  expect(cuts).toEqual(["a late"]);
  // Nothing is left that would wake an idle process.
  expect(vi.getTimerCount()).toBe(0);
});
