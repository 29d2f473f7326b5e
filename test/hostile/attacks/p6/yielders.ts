import { connect, createTask, rawWorker, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Steps that yield as soon as they begin, with a checkpoint of another size each time. */
export async function yielders(target: Target): Promise<void> {
  let yields = 0;
  rawWorker(target, {
    id: "p6-yield",
    agent: "evil_yields",
    onAssigned: ({ runId, fence }, { say }) => {
      yields += 1;
      say({
        case: "yield",
        value: { runId, fence, cursorJson: `"${"x".repeat(yields % 10_000)}"`, outputJson: "" },
      });
    },
  });
  const rpc = connect(target);
  for (let i = 0; i < 10; i += 1) await createTask(rpc, { agentName: "evil_yields" });
  await untilTimeIsUp(target);
}
