import { expect, test } from "vitest";
import { ChargingWorld } from "../kit/charging-world.js";

/** More of them by hand: HISTORIES=20000, and HISTORIES_SEED to begin elsewhere. */
const HISTORIES = Number(process.env.HISTORIES ?? 2_000);
const first = Number(process.env.HISTORIES_SEED ?? 1);
/** Tasks that live beside each other, with the same workers. */
const AT_ONCE = 20;

test("what was charged and not completed is refunded exactly once, in reverse order", {
  timeout: 60_000 + HISTORIES * 60,
}, async () => {
  const wrong: string[] = [];
  const sum = { charged: 0, refunded: 0, declined: 0, completed: 0 };
  for (let i = 0; i < HISTORIES / AT_ONCE; i += 1) {
    const world = await ChargingWorld.start(first + i);
    const findings = await world.live(AT_ONCE);
    wrong.push(...findings.map((line) => `seed ${first + i}: ${line}`));
    for (const { charged, refunds, declined, completed } of world.ledger.charges.values()) {
      sum.charged += Number(charged.size > 0);
      sum.refunded += refunds.length;
      sum.declined += declined;
      sum.completed += Number(completed > 0);
    }
  }
  if (process.env.HISTORIES) console.log(sum);
  expect(wrong.slice(0, 20)).toEqual([]);
  // Histories in which nothing happens prove nothing.
  expect(Math.min(sum.refunded, sum.completed)).toBeGreaterThan(HISTORIES / 2);
  expect(sum.charged).toBeGreaterThan(sum.refunded / 2);
});
