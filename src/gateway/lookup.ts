import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { taskNotFound, workerNotFound } from "#domain/refusals";
import type { RunRow } from "#domain/run";
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

/**
 * The Run, if there is one that the caller was given.
 *
 * @throws {Fault} `not_found`
 */
export async function findRun({ reads }: Plane, { principal }: Caller, id: RunId): Promise<RunRow> {
  const run = await reads.run(id);
  if (run && run.principal === principal) return run;
  throw new Fault("not_found", `Run not found: ${id}`, { field: "run_id", reason: "RUN_NOT_FOUND" });
}

/** @throws {Fault} `not_found` */
export function findWorker(plane: Plane, caller: Caller, workerId: WorkerId): WorkerView {
  const worker = plane.workers(caller).find(({ info }) => info.workerId === workerId);
  if (!worker) throw workerNotFound(workerId);
  return worker;
}
