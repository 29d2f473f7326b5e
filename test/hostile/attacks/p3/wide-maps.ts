import { connect, fromTemplate, MIB, rawWorker, register, step, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Six maps of 990 members over an input of 1 MiB, all that may run at once given to one worker that reads slowly. */
export async function wideMaps(target: Target): Promise<void> {
  const rpc = connect(target);
  const fan = { ...step("fan", "evil_wide"), type: "map", map: { over: "input/list", concurrency: 1_000 } };
  await register(rpc, "wide_maps", { steps: [fan] });
  const worker = rawWorker(target, { id: "p3-wide", agent: "evil_wide", onAssigned: () => worker.pause() });
  const list = Array.from({ length: 990 }, (_, i) => i);
  const inputJson = JSON.stringify({ list, pad: "x".repeat(MIB - 8_000) });
  await Promise.all(Array.from({ length: 6 }, () => fromTemplate(rpc, "wide_maps", inputJson)));
  await untilTimeIsUp(target);
}
