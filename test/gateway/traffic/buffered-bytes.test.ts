import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { BufferBudget, BufferedBytes, BufferUse } from "#gateway/traffic/buffered-bytes";

const late = () => new Fault("too_slow", "late");
const full = () => new Fault("overloaded", "full");
let cuts: string[];

beforeEach(() => {
  cuts = [];
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => vi.useRealTimers());

const use = (name: string) => new BufferUse(({ message }) => cuts.push(`${name} ${message}`));

const unbounded = { uses: Number.POSITIVE_INFINITY, full };

test("above the usual bytes the oldest goes if it is not young, and no more than must", () => {
  const budget = new BufferBudget(100, 200);
  const [received, sent] = [new BufferedBytes(budget, unbounded), new BufferedBytes(budget, unbounded)];
  const [a, b, c] = ["a", "b", "c"].map(use) as [BufferUse, BufferUse, BufferUse];
  received.use(a, 40);
  sent.use(b, 40);
  received.use(a, 50); // grows, and is no younger for it
  vi.advanceTimersByTime(1);
  received.use(c, 90);
  expect(cuts).toEqual([]);
  vi.advanceTimersByTime(2_001);
  received.use(c, 91);
  expect(cuts).toEqual(["a full", "b full"]);
  expect([budget.bytes, received.count, sent.count]).toEqual([91, 1, 0]);
});

test("above the most the oldest goes, however young, and be it the one that asks", () => {
  const budget = new BufferBudget(100, 200);
  const held = new BufferedBytes(budget, unbounded);
  const [a, b] = ["a", "b"].map(use) as [BufferUse, BufferUse];
  held.use(a, 150);
  held.use(b, 51);
  expect(cuts).toEqual(["a full"]);
  held.use(b, 201);
  expect(cuts).toEqual(["a full", "b full"]);
  expect(budget.bytes).toBe(0);
});

test("above its number the oldest goes", () => {
  const held = new BufferedBytes(new BufferBudget(100, 100), { uses: 2, full });
  for (const name of ["a", "b", "c", "d"]) held.use(use(name), 0);
  expect(cuts).toEqual(["a full", "b full"]);
});

test("what is released counts no more, once, and may be held anew", () => {
  const budget = new BufferBudget(100, 100);
  const held = new BufferedBytes(budget, unbounded);
  const a = use("a");
  held.use(a, 60);
  held.release(a);
  held.release(a);
  expect([budget.bytes, held.count, a.bytes]).toEqual([0, 0, 0]);
  held.use(a, 10);
  expect([budget.bytes, held.count]).toEqual([10, 1]);
});

test("each has its time from when it was held first, however it grows", () => {
  const held = new BufferedBytes(new BufferBudget(1_000, 1_000), {
    uses: 10,
    deadline: millis(40_000),
    late,
    full,
  });
  const [a, b] = ["a", "b"].map(use) as [BufferUse, BufferUse];
  held.use(a, 1);
  vi.advanceTimersByTime(30_000);
  held.use(a, 2);
  held.use(b, 1);
  vi.advanceTimersByTime(12_000);
  expect(cuts).toEqual(["a late"]);
  held.release(b);
  vi.advanceTimersByTime(60_000);
  expect(cuts).toEqual(["a late"]);
  // Nothing is left that would wake an idle process.
  expect(vi.getTimerCount()).toBe(0);
});
