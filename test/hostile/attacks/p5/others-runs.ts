import { connect, createTask, flood, rawWorker } from "../../kit.js";
import type { Target } from "../../target.js";

/** A worker that speaks of Runs of others, with every fence and status there is: it is told to stop, and they go on. */
export async function othersRuns(target: Target): Promise<void> {
  const rpc = connect(target);
  const theirs: string[] = [];
  rawWorker(target, {
    id: "p5-owner",
    agent: "evil_owned",
    onAssigned: ({ runId }) => {
      theirs.push(runId);
    },
  });
  const thief = rawWorker(target, { id: "p5-thief", agent: "evil_thief" });
  await flood(target, { lanes: 2, most: 50_000 }, async (i) => {
    if (i % 100 === 1) await createTask(rpc, { agentName: "evil_owned" });
    const runId = theirs[i % theirs.length] ?? `no-such-${i}`;
    const [fence, status] = [i % 5, i % 7];
    thief.say({
      case: "outputChunk",
      value: { runId, fence, seq: BigInt(i), content: "x".repeat(i % 1_000) },
    });
    const room = thief.say({ case: "statusUpdate", value: { runId, fence, status, outputJson: "1" } });
    if (!room) await thief.drained();
  });
}
