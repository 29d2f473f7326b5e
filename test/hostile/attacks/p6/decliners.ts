import { connect, createTask, rawWorker, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Two workers that decline in turn what either is given. */
export async function decliners(target: Target): Promise<void> {
  for (const id of ["p6-no", "p6-not-me"]) {
    rawWorker(target, {
      id,
      agent: "evil_declined",
      onAssigned: ({ runId }, { say }) => say({ case: "decline", value: { runId, reason: "not me" } }),
    });
  }
  const rpc = connect(target);
  for (let i = 0; i < 10; i += 1) await createTask(rpc, { agentName: "evil_declined" });
  await untilTimeIsUp(target);
}
