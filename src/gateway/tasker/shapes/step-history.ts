import { getStepAudit, type StepAuditEntry } from "#api/tasks/get-step-audit";
import { type Request, run } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { TaskView } from "#domain/task/view";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { type AuditShape, auditShapes } from "./audit-shape.js";

/**
 * All that has happened to a Step, newest first: Tasker's audit has no pages. Each page of ours reads the Task, so there is a bound.
 *
 * @throws {Fault} `not_found`; `overloaded`, not to be sent again, if it is too long
 */
export async function stepHistory(
  { task }: Pick<TaskView, "task">,
  stepName: string,
  request: Request,
): Promise<readonly AuditShape[]> {
  const entries: StepAuditEntry[] = [];
  let pageToken = "";
  for (let reads = 0; reads < limits.taskerAuditPages; reads++) {
    const asked = { taskId: task.id, stepName, pageSize: limits.stepAuditPage, pageToken };
    const page = await run(getStepAudit, asked, request);
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
    if (pageToken === "") {
      return auditShapes(entries, { taskId: task.id, stepName, correlationId: task.spec.correlationId });
    }
  }
  const most = limits.taskerAuditPages * limits.stepAuditPage;
  const message = `the Step has more than ${most} entries, which is the limit of an audit without pages: use taskrun.v1.TaskService/GetStepAudit.`;
  throw new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}
