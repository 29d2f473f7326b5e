import type { TaskId } from "#domain/id";
import type { Store } from "#ports/store";
import { auditGraph } from "#testing/audit";

/** What is wrong with what a Task counts; empty if all is well. */
export async function auditTask({ reads }: Store, taskId: TaskId): Promise<string[]> {
  const detail = await reads.task(taskId);
  return detail ? auditGraph(detail.steps, [detail.task]) : [];
}
