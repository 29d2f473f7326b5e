import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time";
import { HeldBytes, Holding } from "#gateway/held-bytes";

const late = () => new Fault("too_slow", "late");
const full = () => new Fault("overloaded", "full");
let cuts: string[];

beforeEach(() => {
  cuts = [];
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => vi.useRealTimers());

const holding = (name: string) => new Holding(({ message }) => cuts.push(`${name} ${message}`));

test("above its bytes the oldest goes, and no more than must", () => {
  const held = new HeldBytes({ bytes: 100, holdings: 10, full });
  const [a, b, c] = ["a", "b", "c"].map(holding) as [Holding, Holding, Holding];
  held.hold(a, 40);
  held.hold(b, 40);
  held.hold(a, 50); // grows, and is no younger for it
  expect(cuts).toEqual([]);
  held.hold(c, 30);
  expect(cuts).toEqual(["a full"]);
  expect([held.bytes, held.count]).toEqual([70, 2]);
  held.hold(c, 101);
  expect(cuts).toEqual(["a full", "b full", "c full"]);
  expect([held.bytes, held.count]).toEqual([0, 0]);
});

test("above its number the oldest goes", () => {
  const held = new HeldBytes({ bytes: 100, holdings: 2, full });
  for (const name of ["a", "b", "c", "d"]) held.hold(holding(name), 0);
  expect(cuts).toEqual(["a full", "b full"]);
});

test("what is released counts no more, once, and may be held anew", () => {
  const held = new HeldBytes({ bytes: 100, holdings: 10, full });
  const a = holding("a");
  held.hold(a, 60);
  held.release(a);
  held.release(a);
  expect([held.bytes, held.count, a.bytes]).toEqual([0, 0, 0]);
  held.hold(a, 10);
  expect([held.bytes, held.count]).toEqual([10, 1]);
});

test("each has its time from when it was held first, however it grows", () => {
  const held = new HeldBytes({ bytes: 1_000, holdings: 10, deadline: millis(40_000), late, full });
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
