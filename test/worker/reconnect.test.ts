import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { limits } from "#limits/index";
import { Lease } from "#worker/protocol/lease";
import { connectTimeout, leaseLeft, reconnectDelay } from "#worker/protocol/reconnect";
import { settle, startPlane, startWorker, stopTime } from "./kit/workbench.js";

const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 200 });
const leases = fc.integer({ min: 2_000, max: 300_000 });

/** When a worker tries to connect, in milliseconds after it has lost its connection, each try failing at once. */
function triesWithin(leaseLeftMs: number, draws: readonly number[]): number[] {
  const tries: number[] = [];
  let now = 0;
  for (const [i, draw] of draws.entries()) {
    now += Math.max(1, reconnectDelay(i + 1, leaseLeftMs - now, draw));
    if (now >= leaseLeftMs) break;
    tries.push(now);
  }
  return tries;
}

test("while runs are held, no two tries are further apart than an eighth of what is left of the lease", () => {
  fc.assert(
    fc.property(leases, draws, (leaseLeftMs, draws) => {
      let before = 0;
      for (const now of triesWithin(leaseLeftMs, draws)) {
        expect(now - before).toBeLessThanOrEqual(Math.max(limits.reconnectFirst, (leaseLeftMs - before) / 8));
        before = now;
      }
    }),
  );
});

test("a server that is back while a fifth of the lease is left is found before its end, whatever the chance", () => {
  fc.assert(
    fc.property(leases, draws, fc.double({ min: 0, max: 0.8, noNaN: true }), (leaseLeftMs, draws, share) => {
      const backAt = leaseLeftMs * share;
      const tries = triesWithin(leaseLeftMs, [...draws, ...Array<number>(5_000).fill(0.999)]);
      expect(tries.some((now) => now >= backAt)).toBe(true);
    }),
  );
});

test("without runs the delay grows to ten seconds, however little is left of the lease", () => {
  const lease = new Lease();
  lease.helloSent(0);
  lease.welcomed(1);
  expect(leaseLeft({ size: 0 }, lease)).toBe(Number.POSITIVE_INFINITY);
  expect(leaseLeft({ size: 1 }, lease)).toBe(0);
  expect(leaseLeft({ size: 1 }, new Lease())).toBe(Number.POSITIVE_INFINITY);
  expect(reconnectDelay(20, Number.POSITIVE_INFINITY, 0.999)).toBe(9_990);
});

test("a try without an answer takes half of what is left at most, so that it is not the last", () => {
  expect([Number.POSITIVE_INFINITY, 60_000, 8_000, 3_000, 100, 0].map(connectTimeout)).toEqual([
    5_000, 5_000, 4_000, 1_500, 1_000, 1_000,
  ]);
});

test("a worker speaks six times in a lease, however seldom it is asked to", async () => {
  stopTime();
  const plane = await startPlane();
  await startWorker(plane);
  const session = await plane.greet({ leaseMs: 12_000, heartbeatMs: 6_000 });
  expect(await session.hear("heartbeat")).toMatchObject({ beat: 1n });
  await settle();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await session.hear("heartbeat")).toMatchObject({ beat: 2n });
});
