import { expect, test } from "vitest";
import { runSeed } from "./run-seed.js";

/** More of them by night: SIMULATION_SEEDS=5000 SIMULATION_FROM=1000. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 200);
const FROM = Number(process.env.SIMULATION_FROM ?? 1);

/** What must have come to pass in one world or another, or the worlds are too kind. */
const MARKS = [
  "a person says: done",
  "a person says: not done",
  "batchable complete",
  "child cancelled",
  "child complete",
  "child error",
  "child_task complete",
  "decision complete",
  "deferred_convergence complete",
  "in doubt, done",
  "in doubt, held",
  "in doubt, not done",
  "journal resumed",
  "map complete",
  "reset within a once step",
  "run CANCELLED CANCELLED",
  "run CANCELLED DECLINED",
  "run COMPLETED",
  "run COMPLETED SUSPENDED",
  "run COMPLETED YIELDED",
  "run FAILED AGENT_ERROR",
  "run FAILED IN_DOUBT",
  "run FAILED SCHEMA_LIMIT",
  "run FAILED TIMEOUT",
  "run FAILED WORKER_LOST",
  "run resumed",
  "signal complete",
  "task cancelled CANCELLED",
  "task complete",
  "task error STEP_FAILED",
  "task error TIMEOUT",
  "task waiting_for_retry",
  "timer complete",
  "undoing complete",
  "undoing error",
];

test(
  `${SEEDS} worlds with crashes, pauses, cuts, liars and bad disks keep every promise`,
  async () => {
    const marks = new Set<string>();
    for (let seed = FROM; seed < FROM + SEEDS; seed += 1) {
      const lived = await runSeed(seed);
      for (const mark of lived.marks) marks.add(mark);
      // A difference is chance, or time, that came in beside the ports.
      if (seed % 100 === 0) expect({ seed, ...(await runSeed(seed)) }).toEqual({ seed, ...lived });
    }
    if (SEEDS >= 50) expect([...marks]).toEqual(expect.arrayContaining(MARKS));
  },
  60_000 + SEEDS * 500,
);
