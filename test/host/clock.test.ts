import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { instant } from "#domain/time/time";
import { nodeClock } from "#host/clock";

const YEARS_10 = 315_576_000_000;
const times = { wall: 1_000_000, monotonic: 5_000.25 };
const sources = { wall: () => times.wall, monotonic: () => times.monotonic };

/** Both clocks move on, and with them Node's timers. */
async function pass(ms: number) {
  times.wall += ms;
  times.monotonic += ms;
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  Object.assign(times, { wall: 1_000_000, monotonic: 5_000.25 });
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("plane time starts at the wall clock and grows by the monotonic one, in whole milliseconds", () => {
  const clock = nodeClock(sources);
  expect(clock.now()).toBe(1_000_000);

  times.monotonic += 12.9;
  expect(clock.now()).toBe(1_000_012);
});

test("plane time goes on from where it is told to, earlier or later, whatever the wall clock says", () => {
  const clock = nodeClock(sources);
  for (const at of [7_000_000, 3]) {
    clock.startFrom(instant(at));
    times.monotonic += 10;
    expect([clock.now(), clock.wall()]).toEqual([at + 10, 1_000_000]);
  }
});

test("a jump of the wall clock by ten years, either way, moves neither plane time nor a wake-up", async () => {
  const clock = nodeClock(sources);
  const fired = vi.fn(() => clock.now());
  clock.wakeAt(instant(1_000_500), fired);

  times.wall += YEARS_10;
  await pass(300);
  times.wall -= 2 * YEARS_10;
  await pass(199);
  expect(clock.now()).toBe(1_000_499);
  expect(fired).not.toHaveBeenCalled();

  await pass(1);
  expect(fired).toHaveReturnedWith(1_000_500);
});

test("a timer that rings early is set again: a wake-up never comes before its instant", async () => {
  const clock = nodeClock(sources);
  const fired = vi.fn();
  clock.wakeAt(instant(1_000_100), fired);

  await vi.advanceTimersByTimeAsync(100); // the timer rings; the monotonic clock has not moved
  expect(fired).not.toHaveBeenCalled();

  await pass(100);
  expect(fired).toHaveBeenCalledOnce();
});

test("a wake-up further away than Node's longest timer does not fire at once", async () => {
  const clock = nodeClock(sources);
  const fired = vi.fn();
  clock.wakeAt(instant(1_000_000 + YEARS_10), fired);

  await pass(2 ** 31);
  expect(fired).not.toHaveBeenCalled();

  await pass(YEARS_10 - 2 ** 31);
  expect(fired).toHaveBeenCalledOnce();
});

test("a cancelled wake-up never fires, one in the past fires at once", async () => {
  const clock = nodeClock(sources);
  const cancelled = vi.fn();
  const overdue = vi.fn();
  clock.wakeAt(instant(1_000_010), cancelled)();
  clock.wakeAt(instant(1), overdue);

  await pass(50);
  expect([cancelled.mock.calls.length, overdue.mock.calls.length]).toEqual([0, 1]);
});

test("a yield lets what has already arrived go first", async () => {
  vi.useRealTimers();
  const order: string[] = [];
  setImmediate(() => order.push("arrived"));
  await nodeClock().yield();
  order.push("turn");

  expect(order).toEqual(["arrived", "turn"]);
});
