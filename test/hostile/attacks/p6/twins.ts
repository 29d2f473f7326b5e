import { z } from "zod";
import { agent } from "#worker/index";
import { connect, createTask, rawWorker, sdkWorker, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Two workers by the SDK with one id, and a third, made by hand, that comes back as soon as it is ousted. */
export async function twins(target: Target): Promise<void> {
  const slow = agent({
    name: "evil_twin",
    input: z.unknown(),
    run: (_, ctx) => untilTimeIsUp({ ...target, signal: ctx.signal }),
  });
  for (let i = 0; i < 2; i += 1) void sdkWorker(target, [slow], "p6-twin");
  const rpc = connect(target);
  for (let i = 0; i < 20; i += 1) await createTask(rpc, { agentName: "evil_twin", maxAttempts: 100 });
  for (let i = 0; !target.signal.aborted && i < 2_000; i += 1) {
    const worker = rawWorker(target, { id: "p6-twin", agent: "evil_twin", instance: `i${i % 2}` });
    await Promise.race([worker.closed, new Promise((resolve) => setTimeout(resolve, 50))]);
    worker.close();
  }
  await untilTimeIsUp(target);
}
