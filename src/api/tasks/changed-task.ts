import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import type { Request } from "../use-case.js";
import { wholeTask } from "./whole-task.js";

/**
 * The whole Task after a change, or what the change itself tells if the Task has been removed since, or if there is
 * no room for more: what is done must not look refused.
 */
export async function changedTask({ task }: Receipt, request: Request): Promise<TaskView> {
  const { reads } = request.services.plane;
  try {
    await request.reserve(limits.messageBytes);
  } catch {
    return { task };
  }
  const detail = await reads.task(task.id);
  return detail ? wholeTask(reads, detail) : { task };
}
