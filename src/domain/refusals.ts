import { Fault } from "./fault.js";
import type { WorkerId } from "./id.js";
import { type TaskRow, taskStatus } from "./task.js";

/**
 * Refusals whose wording clients of the public protocol compare. A thing of another's namespace is
 * refused in the same words as one that never was.
 */
export function taskNotFound(id: string): Fault {
  return new Fault("not_found", `Task not found: ${id}`, { reason: "TASK_NOT_FOUND" });
}

export function workerNotFound(id: WorkerId): Fault {
  return new Fault("not_found", `Worker ${id} not found`, { reason: "WORKER_NOT_FOUND" });
}

export function alreadyEnded(task: TaskRow): Fault {
  const status = taskStatus(task);
  const ending = status.charAt(0) + status.slice(1).toLowerCase();
  const message = `Task ${task.id} is already in terminal state: ${ending}`;
  return new Fault("wrong_state", message, { reason: "TASK_ENDED", metadata: { status } });
}

export function namespaceDenied(namespace: string): Fault {
  const message = `namespace "${namespace}" is not yours to use; name one of your own, or none.`;
  return new Fault("denied", message, { field: "namespace" });
}
