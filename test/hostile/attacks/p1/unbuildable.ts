import { z } from "zod";
import { agent } from "#worker/index";
import { connect, fromTemplate, MIB, register, sdkWorker, step } from "../../kit.js";
import type { Target } from "../../target.js";

/**
 * An assignment that no message can carry: an input, a checkpoint and the results before, each as large as it may be,
 * with a config as large as a template has room for, and all the labels there may be.
 */
export async function unbuildable(target: Target): Promise<void> {
  const most = "x".repeat(MIB - 64);
  const evil = agent({
    name: "evil_large",
    input: z.unknown(),
    run: async (_, ctx) => (ctx.stepName === "grows" && !ctx.checkpoint ? ctx.yield(most) : most),
  });
  await sdkWorker(target, [evil], "p1-large");
  const rpc = connect(target);
  const handler = { callable: "evil_large", initialization: { pad: most.slice(0, MIB - 2_048) } };
  const name = "n".repeat(128);
  const steps = [step(name, "evil_large"), { name: "grows", handler, dependencies: [name] }];
  await register(rpc, "unbuildable", { steps });
  const labels = Object.fromEntries(
    Array.from({ length: 64 }, (_, i) => [`${i}`.padEnd(256, "l"), "v".repeat(256)]),
  );
  const input = JSON.stringify({ most: most.slice(0, -64) });
  const honest = step("one", "echo", {
    handler: { callable: "echo", initialization: handler.initialization },
  });
  await register(rpc, "unbuildable_undo", {
    steps: [
      { ...honest, compensate: "undo" },
      step("fails", "nobody_has_it", {
        dependencies: ["one"],
        timeout_seconds: 1,
        retry: { max_attempts: 1 },
      }),
      { ...honest, name: "undo" },
    ],
  });
  for (let i = 0; i < 3; i += 1) {
    await fromTemplate(rpc, "unbuildable", input, { labels });
    await fromTemplate(rpc, "unbuildable_undo", input, { labels, timeoutMs: 1_000n });
  }
  await new Promise((resolve) => setTimeout(resolve, (target.seconds * 1_000) / 2));
}
