import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import { type Request, readsOf } from "../use-case.js";
import { wholeTask } from "./whole-task.js";

/**
 * The whole Task after a change; only the row from the receipt if the Task has been removed since, or if there is no
 * room for the answer: a change that was made must not appear as refused.
 */
export async function changedTask({ task }: Receipt, request: Request): Promise<TaskView> {
  const reads = readsOf(request);
  try {
    await request.reserve(limits.messageBytes);
  } catch {
    return { task };
  }
  const detail = await reads.task(task.id);
  return detail ? wholeTask(reads, detail) : { task };
}
