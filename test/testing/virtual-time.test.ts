import { expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { seededEntropy, VirtualClock } from "#testing/virtual-time";

test("time jumps from wake-up to wake-up, in order, each at its own instant", async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${clock.now()} ${name}`);
  clock.wakeAt(instant(30), note("c"));
  clock.wakeAt(instant(10), note("a"));
  clock.wakeAt(instant(10), note("b"));
  clock.wakeAt(instant(99), note("too late"));
  clock.wakeAt(instant(20), note("cancelled"))();

  await clock.advance(50);
  expect(seen).toEqual(["10 a", "10 b", "30 c"]);
  expect([clock.now(), clock.pending()]).toEqual([50, [99]]);
});

test("what a wake-up sets in motion has run before time goes on", async () => {
  const clock = new VirtualClock(1_000);
  const seen: number[] = [];
  const again = async () => {
    await clock.yield();
    await Promise.resolve();
    seen.push(clock.now());
    if (seen.length < 3) clock.wakeAt(instant(clock.now() + 10), () => void again());
  };
  clock.wakeAt(instant(1_010), () => void again());

  await clock.advanceTo(instant(2_000));
  expect(seen).toEqual([1_010, 1_020, 1_030]);
});

test("a wake-up in the past fires without turning time back", async () => {
  const clock = new VirtualClock();
  clock.startFrom(instant(500));
  let at = 0;
  clock.wakeAt(instant(100), () => {
    at = clock.now();
  });

  await clock.advance(0);
  expect([at, clock.now()]).toEqual([500, 500]);
});

test("a loop that never lets time go on is named, not waited for", async () => {
  const clock = new VirtualClock();
  const again = () => void clock.wakeAt(clock.now(), again);
  again();

  await expect(clock.advance(1)).rejects.toThrow("time stands still at 0");
});

test("the same number replays the same ids and draws, another does not", () => {
  const sample = (seed: number) => {
    const entropy = seededEntropy(seed);
    return [entropy.uuid(), entropy.draw(), entropy.uuid()];
  };

  expect(sample(7)).toEqual(sample(7));
  expect(sample(7)).not.toEqual(sample(8));
});

test("ids are UUIDv7 in form, unique, and sorted, also past what one millisecond can count", () => {
  let now = 1_700_000_000_000;
  const entropy = seededEntropy(1, () => now);
  const ids = Array.from({ length: 10_000 }, (_, i) => {
    if (i === 9_000) now += 1;
    return entropy.uuid();
  });

  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true);
  expect([...new Set(ids)].sort()).toEqual(ids);
});

test("draws are spread over [0, 1)", () => {
  const entropy = seededEntropy(42);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const tenth = Math.floor(entropy.draw() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }

  expect(tenths.every((count) => count > 900 && count < 1_100)).toBe(true);
});
