import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { connect, flood, MIB } from "../../kit.js";
import { EVIL, type Target } from "../../target.js";

/** Batches as large as a message may be, many at once: what has been taken in has not been decided yet. */
export async function largeBatches(target: Target): Promise<void> {
  const rpcs = Array.from({ length: 8 }, () => connect(target));
  const inputJson = JSON.stringify("x".repeat(MIB - 64_000));
  const tasks = Array.from({ length: 4 }, () => ({ namespace: EVIL, agentName: "evil_nobody", inputJson }));
  await flood(target, { lanes: 64, most: 256 }, (i) =>
    rpcs[i % rpcs.length]?.unary(TaskService.method.batchCreateTasks, { tasks }, 5_000),
  );
}
