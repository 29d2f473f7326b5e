import { connect, createTask, flood } from "../../kit.js";
import type { Target } from "../../target.js";

/** Tasks that no worker may take, each of another agent, selector and priority, and some of one key over and over. */
export async function keysAndSelectors(target: Target): Promise<void> {
  const rpc = connect(target);
  await flood(target, { lanes: 16, most: 8_000 }, (i) =>
    createTask(rpc, {
      agentName: `evil_lane_${i % 900}`,
      workerSelector: { zone: `${i}` },
      priority: (i % 201) - 100,
      idempotencyKey: i % 4 === 0 ? "one key for all" : "",
      startAtMs: i % 3 === 0 ? BigInt(Date.now() + 200) : 0n,
      timeoutMs: BigInt(1 + (i % 2_000)),
    }),
  );
}
