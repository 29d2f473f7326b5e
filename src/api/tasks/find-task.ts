import type { TaskId } from "#domain/id";
import { taskNotFound } from "#domain/refusals";
import type { TaskDetail } from "#ports/store";
import type { TaskResource } from "../authorize.js";
import { type Request, readsOf } from "../use-case.js";

/** An existing Task, with its namespace as the resource. */
export interface FoundTask {
  readonly resource: TaskResource;
  readonly detail: TaskDetail;
}

/**
 * Reads the Task that a request is about.
 *
 * @throws {Fault} `not_found`, with the same text as for a Task of another's namespace
 */
export async function findTask({ id }: { readonly id: TaskId }, request: Request): Promise<FoundTask> {
  const detail = await readsOf(request).task(id);
  if (!detail) throw taskNotFound(id);
  return { resource: { kind: "task", id, namespace: detail.task.namespace }, detail };
}
