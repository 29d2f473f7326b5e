import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { connect, flood, fromTemplate, register, step } from "../../kit.js";
import type { Target } from "../../target.js";

/** A Task held for an operator, who tries it anew at once each time, signals, cancels, and does it all again. */
export async function operatorsInHaste(target: Target): Promise<void> {
  const { resolveStep, signalTask, cancelTask, retryTask } = TaskService.method;
  const rpc = connect(target);
  const retry = { max_attempts: 1 };
  const call = { name: "call", type: "signal", signal: { timeout_ms: 1 } };
  const undo = step("undo", "evil_nobody");
  const steps = [
    call,
    { ...step("one", "evil_nobody", { retry }), compensate: "undo", dependencies: [] },
    undo,
  ];
  await register(rpc, "held", { hold_on_failure: true, steps });
  let id = await fromTemplate(rpc, "held", "{}");
  await flood(target, { lanes: 8, most: 20_000 }, async (i) => {
    const taskId = id ?? "";
    if (i % 50 === 0) await rpc.unary(cancelTask, { id: taskId }).catch(() => {});
    if (i % 50 === 1) id = (await rpc.unary(retryTask, { id: taskId, idempotencyKey: `${i}` })).id;
    if (i % 5 === 2) await rpc.unary(signalTask, { id: taskId, signal: "call", payloadJson: `${i}` });
    await rpc.unary(resolveStep, { taskId, stepName: "call", action: 1 });
  });
}
