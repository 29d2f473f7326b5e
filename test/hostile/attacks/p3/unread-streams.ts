import { connect, createTask, flood, MIB, rawWorker, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Twenty workers of a thousand slots that say hello and never read again, and enough large Tasks for all of them. */
export async function unreadStreams(target: Target): Promise<void> {
  const rpc = connect(target);
  for (let i = 0; i < 20; i += 1) {
    rawWorker(target, { id: `p3-unread-${i}`, agent: "evil_unread", protocol: i % 2 === 0 ? 1 : 0 }).pause();
  }
  const inputJson = JSON.stringify("x".repeat(MIB - 64));
  await flood(target, { lanes: 8, most: 300 }, () =>
    createTask(rpc, { agentName: "evil_unread", inputJson }),
  );
  await untilTimeIsUp(target);
}
