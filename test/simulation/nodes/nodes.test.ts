import { expect, test } from "vitest";
import { runNodesSeed } from "./run-nodes-seed.js";

/** More of them by night: NODES_SEEDS=10000 NODES_FROM=1000. */
const SEEDS = Number(process.env.NODES_SEEDS ?? 200);
const FROM = Number(process.env.NODES_FROM ?? 1);

/** What must have come to pass in one world or another, or the worlds are too kind. */
const MARKS = [
  "child complete",
  "journal resumed",
  "map complete",
  "node stopped by itself: alone",
  "node taken over",
  "run COMPLETED",
  "run COMPLETED SUSPENDED",
  "run FAILED WORKER_LOST",
  "run moved to another node",
  "run resumed",
  "signal complete",
  "task cancelled CANCELLED",
  "task complete",
  "task error STEP_FAILED",
  "task error TIMEOUT",
  "timer complete",
  "unknown commit",
];

test(
  `${SEEDS} worlds of 1 to 5 nodes that are killed, stand still, and are cut from store and broker keep every promise`,
  async () => {
    const marks = new Set<string>();
    for (let seed = FROM; seed < FROM + SEEDS; seed += 1) {
      const lived = await runNodesSeed(seed);
      for (const mark of lived.marks) marks.add(mark);
      // A difference is chance, or time, that came in beside the ports.
      if (seed % 100 === 0) expect({ seed, ...(await runNodesSeed(seed)) }).toEqual({ seed, ...lived });
    }
    if (SEEDS >= 50) expect([...marks]).toEqual(expect.arrayContaining(MARKS));
  },
  60_000 + SEEDS * 2_000,
);

test("nodes that no wake ever reaches have noticed everything by their next poll", async () => {
  for (let seed = FROM; seed < FROM + SEEDS / 10; seed += 1) {
    await runNodesSeed(seed, { nodes: 3, brokerless: true });
  }
}, 120_000);
