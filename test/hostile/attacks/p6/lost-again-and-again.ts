import { connect, createTask, flood, rawWorker } from "../../kit.js";
import type { Target } from "../../target.js";

/** Workers that take all they are given and hang up at once, and come back as another process each time. */
export async function lostAgainAndAgain(target: Target): Promise<void> {
  const rpc = connect(target);
  for (let i = 0; i < 50; i += 1) await createTask(rpc, { agentName: "evil_leaves", maxLosses: 100 });
  await flood(target, { lanes: 4, most: 3_000 }, async (i) => {
    const id = `p6-leaves-${i % 4}`;
    const onAssigned = () => worker.close();
    const worker = rawWorker(target, {
      id,
      agent: "evil_leaves",
      instance: `${i}`,
      capacity: 20,
      onAssigned,
    });
    await Promise.race([worker.closed, new Promise((resolve) => setTimeout(resolve, 100))]);
    worker.close();
  });
}
