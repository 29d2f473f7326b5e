/** A start with a wall clock that is wrong, whichever way, and the start after it. */
import { describe, expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import type { Store } from "#ports/store";
import { Retention } from "#runtime/timers/retention";
import { VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { stores } from "./kit/store-double.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEARS_10 = 3_653 * DAY;
const NOW = Date.parse("2026-11-28T10:00:00Z");

let seed = 1;
/** The next process, under a wall clock that says this. */
async function startAt(store: Store, wall: number, acceptClock = false): Promise<BenchPlane> {
  seed += 1;
  return startBench(store, { clock: new VirtualClock(wall), seed, acceptClock });
}

const retentionOf = ({ supervisor }: BenchPlane, keep = 7 * DAY) =>
  new Retention(supervisor.core, supervisor.watchers, millis(keep), supervisor.clockStarter.started);

for (const { name, make } of stores) {
  describe(`a wall clock that is wrong at the start (${name})`, () => {
    test("by ten years ahead ends nothing and removes nothing, and the next right start is right", async () => {
      const { store, reopen } = make();
      const first = await startAt(store, NOW);
      const waits = await first.create({ agentName: "nobody", timeoutMs: millis(HOUR) });
      const key = { idempotencyKey: "k", fingerprint: "f" };
      const ended = await first.create({ agentName: "nobody", ...key });
      await first.cancel(ended.task.id);
      first.kill();

      const wrong = await startAt(await reopen(), NOW + YEARS_10);
      expect(wrong.plane.health.clock?.message).toContain("3653 days after");
      expect(wrong.errors()).toEqual([expect.stringContaining("3653 days after")]);
      await wrong.clock.advance(10 * 60_000);
      expect(await retentionOf(wrong).sweep()).toBe(0);
      expect(await wrong.show(waits.task.id)).toMatch(/^enqueuing_steps/);
      expect((await wrong.create(key)).task.id).toBe(ended.task.id);
      const { task } = await wrong.create({ agentName: "nobody" });
      expect(task.createdAt).toBe(NOW + 10 * 60_000);
      wrong.kill();
      await wrong.store.close();

      const right = await startAt(await reopen(), NOW + 20 * 60_000);
      expect(right.plane.health).toEqual({});
      expect(right.clock.now()).toBe(NOW + 20 * 60_000);
      await right.store.close();
    });

    test("by ten years behind changes nothing at all", async () => {
      const { store, reopen } = make();
      const first = await startAt(store, NOW);
      const { task } = await first.create({ agentName: "nobody", timeoutMs: millis(HOUR) });
      first.kill();

      const wrong = await startAt(await reopen(), NOW - YEARS_10);
      expect(wrong.plane.health.clock?.message).toContain("3653 days before");
      expect(wrong.errors()).toEqual([expect.stringContaining("3653 days before")]);
      expect(wrong.clock.now()).toBe(NOW);
      await wrong.clock.advance(HOUR - 1);
      expect(await wrong.show(task.id)).toMatch(/^enqueuing_steps/);
      await wrong.clock.advance(1);
      expect(await wrong.show(task.id)).toMatch(/^error TIMEOUT/);
      await wrong.store.close();
    });

    test("is believed by an operator's word, and by a directory without tasks", async () => {
      const { store, reopen } = make();
      const empty = await startAt(store, NOW + YEARS_10);
      empty.kill();
      const first = await startAt(await reopen(), NOW);
      expect([first.plane.health, first.clock.now()]).toEqual([{}, NOW]);
      const { task } = await first.create({ agentName: "nobody", timeoutMs: millis(HOUR) });
      first.kill();
      await first.store.close();

      const accepted = await startAt(await reopen(), NOW + 30 * DAY, true);
      expect([accepted.plane.health, accepted.clock.now()]).toEqual([{}, NOW + 30 * DAY]);
      await accepted.clock.advance(1);
      expect(await accepted.show(task.id)).toMatch(/^error TIMEOUT/);
      await accepted.store.close();
    });
  });
}

describe("a wall clock that is ahead by days, as after a long weekend", () => {
  test("has ended what was out of time, but removes nothing before somebody could object", async () => {
    const { store, reopen } = (stores[0] as (typeof stores)[number]).make();
    const first = await startAt(store, NOW);
    const old = await first.create({ agentName: "nobody" });
    await first.cancel(old.task.id);
    await first.clock.advance(3 * DAY);
    const young = await first.create({ agentName: "nobody" });
    await first.cancel(young.task.id);
    const late = await first.create({ agentName: "nobody", timeoutMs: millis(HOUR) });
    first.kill();

    const next = await startAt(await reopen(), first.clock.now() + 5 * DAY);
    await next.clock.advance(1);
    expect(await next.show(late.task.id)).toMatch(/^error TIMEOUT/);
    const retention = retentionOf(next);
    await next.clock.advance(6 * HOUR - 2);
    expect(await retention.sweep()).toBe(0);
    await next.clock.advance(1);
    expect(await retention.sweep()).toBe(1);
    expect(await next.show(old.task.id)).toBe("unknown");
    expect(await next.show(young.task.id)).not.toBe("unknown");
  });

  test("does not keep longer what was old without it", async () => {
    const { store, reopen } = (stores[0] as (typeof stores)[number]).make();
    const first = await startAt(store, NOW);
    const old = await first.create({ agentName: "nobody" });
    await first.cancel(old.task.id);
    await first.clock.advance(8 * DAY);
    await first.create({ agentName: "nobody" });
    first.kill();

    const next = await startAt(await reopen(), first.clock.now() + 5 * DAY);
    expect(await retentionOf(next).sweep()).toBe(1);
  });
});

test("a wall clock that jumps under a running plane moves nothing", async () => {
  const { store } = (stores[0] as (typeof stores)[number]).make();
  const bench = await startAt(store, NOW);
  const { task } = await bench.create({ agentName: "nobody", timeoutMs: millis(HOUR) });
  bench.clock.setWall(instant(NOW + YEARS_10));
  await bench.clock.advance(HOUR - 1);
  expect(await bench.show(task.id)).toMatch(/^enqueuing_steps/);
});
