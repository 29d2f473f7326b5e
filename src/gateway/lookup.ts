import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId, WorkerId } from "#domain/id";
import { type TaskRow, taskStatus } from "#domain/task";
import type { WorkerView } from "#domain/worker";
import type { Plane } from "#ports/plane";
import type { TaskDetail } from "#ports/store";

/**
 * The Task, if there is one that the caller may see: one of another's namespace is as unknown as one
 * that never was.
 *
 * @throws {Fault} `not_found`
 */
export async function findTask({ reads }: Plane, caller: Caller, id: TaskId): Promise<TaskDetail> {
  const detail = await reads.task(id);
  if (!detail || !mayUse(caller, detail.task.namespace)) throw taskNotFound(id);
  return detail;
}

/** The wording is that of the public protocol's server, which clients compare. */
export function taskNotFound(id: string): Fault {
  return new Fault("not_found", `Task not found: ${id}`, { reason: "TASK_NOT_FOUND" });
}

const endings = { COMPLETED: "Completed", FAILED: "Failed", CANCELLED: "Cancelled" } as const;

/** The wording is that of the public protocol's server, which clients compare. */
export function alreadyEnded(task: TaskRow): Fault {
  const status = taskStatus(task);
  const ending = status === "PENDING" || status === "RUNNING" ? status : endings[status];
  const message = `Task ${task.id} is already in terminal state: ${ending}`;
  return new Fault("wrong_state", message, { reason: "TASK_ENDED", metadata: { status } });
}

/** @throws {Fault} `not_found` */
export function findWorker(plane: Plane, caller: Caller, workerId: WorkerId): WorkerView {
  const worker = plane.workers(caller).find(({ info }) => info.workerId === workerId);
  if (!worker) throw workerNotFound(workerId);
  return worker;
}

export function workerNotFound(workerId: string): Fault {
  return new Fault("not_found", `Worker ${workerId} not found`, { reason: "WORKER_NOT_FOUND" });
}

export function isFault(error: unknown, code: Fault["code"]): error is Fault {
  return error instanceof Fault && error.code === code;
}
