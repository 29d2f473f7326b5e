import { connect, fromTemplate, rawWorker, register, step, untilTimeIsUp } from "../../kit.js";
import type { Target } from "../../target.js";

/** Members that fail as soon as they begin, each to be tried a hundred times without a pause. */
export async function failingAtOnce(target: Target): Promise<void> {
  rawWorker(target, {
    id: "p6-fail",
    agent: "evil_fails",
    onAssigned: ({ runId, fence }, { say }) =>
      say({ case: "statusUpdate", value: { runId, fence, status: 5 } }),
  });
  const rpc = connect(target);
  const retry = { max_attempts: 100, backoff: "none", backoff_base_ms: 0, jitter: 0 };
  const map = { over: "input/list", concurrency: 1_000, failure_strategy: "continue_on_failure" };
  await register(rpc, "failing", { steps: [{ ...step("fan", "evil_fails", { retry }), type: "map", map }] });
  const list = Array.from({ length: 100 }, (_, i) => i);
  for (let i = 0; i < 3; i += 1) await fromTemplate(rpc, "failing", JSON.stringify({ list }));
  await untilTimeIsUp(target);
}
