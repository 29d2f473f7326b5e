import { z } from "zod";
import { agent } from "#worker/index";
import { connect, createTask, sdkWorker, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Agents that never stop talking beside their output: events and chat as fast as they can, a hundred of them. */
export async function noisyRuns(target: Target): Promise<void> {
  const noisy = agent({
    name: "evil_noisy",
    input: z.unknown(),
    run: async (_, ctx) => {
      const metadata = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`, "m".repeat(200)]));
      while (!ctx.signal.aborted) {
        ctx.event("TOOL_REQUESTED", metadata);
        ctx.chat("ASSISTANT", "x".repeat(60_000));
        await ctx.output("", metadata);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  });
  await sdkWorker(target, [noisy], "p5-noisy");
  const rpc = connect(target);
  await Promise.all(Array.from({ length: 100 }, () => createTask(rpc, { agentName: "evil_noisy" })));
  await untilTimeIsUp(target);
}
