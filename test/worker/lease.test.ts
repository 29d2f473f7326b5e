import fc from "fast-check";
import { expect, test } from "vitest";
import { Lease } from "#worker/protocol/lease";

test("runs are ours for five sixths of the lease from the sending of the last acknowledged heartbeat", () => {
  const lease = new Lease();
  expect(lease.fenceAt).toBe(Number.POSITIVE_INFINITY);

  lease.helloSent(1_000);
  lease.welcomed(30_000);
  expect(lease.fenceAt).toBe(26_000);

  const first = lease.beatSent(2_000);
  lease.beatSent(7_000);
  lease.acknowledged(first);
  expect(lease.fenceAt).toBe(27_000);
});

test("an acknowledgement of an earlier session renews nothing", () => {
  const lease = new Lease();
  lease.helloSent(0);
  lease.welcomed(30_000);
  const old = lease.beatSent(1_000);

  lease.helloSent(9_000);
  lease.acknowledged(old);

  expect(lease.fenceAt).toBe(25_000);
});

test("the worker stops before the plane gives its runs away, whatever is lost and however late it arrives", () => {
  const heartbeat = fc.record({
    everyMs: fc.integer({ min: 1, max: 10_000 }),
    travelMs: fc.integer({ min: 0, max: 5_000 }),
    arrives: fc.boolean(),
    answered: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(heartbeat, { maxLength: 50 }), (beats) => {
      const lease = new Lease();
      lease.helloSent(0);
      lease.welcomed(30_000);
      let now = 0;
      let heardAt = 0;
      for (const { everyMs, travelMs, arrives, answered } of beats) {
        now += everyMs;
        if (now >= lease.fenceAt) break;
        const beat = lease.beatSent(now);
        if (arrives) heardAt = Math.max(heardAt, now + travelMs);
        if (arrives && answered) lease.acknowledged(beat);
      }

      // The plane reassigns 16/15 of the lease after it last heard; both clocks may be off by 1 %.
      expect((lease.fenceAt - heardAt) * 1.01).toBeLessThan(((30_000 * 16) / 15) * 0.99);
    }),
  );
});
