import { flood, rawWorker } from "../../kit.js";
import type { Target } from "../../target.js";

/** Heartbeats as fast as they go, each with a thousand Runs that nobody has, and numbers for sixty-four names. */
export async function beatingFast(target: Target): Promise<void> {
  const ids = Array.from({ length: 5 }, (_, i) => `p5-beat-${i}`);
  const workers = ids.map((id) => rawWorker(target, { id, agent: "evil_beat" }));
  const heldRunIds = Array.from(
    { length: 1_000 },
    (_, i) => `00000000-0000-7000-8000-${`${i}`.padStart(12, "0")}`,
  );
  const metrics = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`, "m".repeat(256)]));
  await flood(target, { lanes: 5, most: 20_000 }, async (i) => {
    const worker = workers[i % workers.length];
    const workerId = ids[i % ids.length] ?? "";
    const value = {
      workerId,
      beat: BigInt(i),
      lastOrdinal: 2n ** 60n,
      heldRunIds,
      metrics,
      maxConcurrentRuns: i,
    };
    if (worker && !worker.say({ case: "heartbeat", value })) await worker.drained();
  });
}
