import { z } from "zod";
import { agent } from "#worker/index";
import { connect, fromTemplate, MIB, register, sdkWorker, step, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Three hundred members answer a megabyte each, and the map that collects them is asked for all of it. */
export async function largeResults(target: Target): Promise<void> {
  const result = "x".repeat(MIB - 64);
  await sdkWorker(
    target,
    [agent({ name: "evil_result", input: z.unknown(), run: async () => result })],
    "p3-results",
  );
  const rpc = connect(target);
  const fan = { ...step("fan", "evil_result"), type: "map", map: { over: "input/list", concurrency: 300 } };
  await register(rpc, "results", { steps: [fan, step("after", "evil_result", { dependencies: ["fan"] })] });
  const list = Array.from({ length: 300 }, (_, i) => i);
  await Promise.all([1, 2].map(() => fromTemplate(rpc, "results", JSON.stringify({ list }))));
  await untilTimeIsUp(target);
}
