import { getStepAudit, type StepAuditEntry } from "#api/tasks/get-step-audit";
import { getStepResult } from "#api/tasks/get-step-result";
import { type Request, run } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { StepSummary } from "#domain/task/step";
import type { TaskView } from "#domain/task/view";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { type AuditShape, auditShapes } from "./audit-shape.js";

/** One thing that happened to a Step, and the result that it gave the Step: JSON text, empty for none. */
export interface AuditEntry {
  readonly entry: AuditShape;
  readonly result: string;
}

type ResultStep = Pick<StepSummary, "name" | "outputBytes">;

/** The history of a Step, in which its result is that of what has completed it last. @throws {Fault} as {@link stepHistory} */
export async function stepAudit(
  view: TaskView,
  step: ResultStep,
  request: Request,
): Promise<readonly AuditEntry[]> {
  const history = await stepHistory(view, step.name, request);
  const result = await resultIfAny(view, step, request);
  const last = history.find(({ toState, success }) => success && completes.has(toState));
  return history.map((entry) => ({ entry, result: entry === last ? result : "" }));
}

/** The states of an audit in which a Step has its result. */
const completes: ReadonlySet<AuditShape["toState"]> = new Set(["enqueued_for_orchestration", "complete"]);

/** The result of a Step, however large it is, as JSON text; empty if there is none. @throws {Fault} */
export async function resultIfAny(
  { task, results }: TaskView,
  { name, outputBytes }: ResultStep,
  request: Request,
): Promise<string> {
  if (outputBytes === 0) return "";
  const read = results?.get(name);
  return read ?? (await run(getStepResult, { taskId: task.id, stepName: name }, request)).outputJson;
}

/**
 * All that has happened to a Step, newest first: Tasker's audit has no pages. Each page of ours reads the Task, so there is a bound.
 *
 * @throws {Fault} `not_found`; `overloaded`, not to be sent again, if it is too long
 */
async function stepHistory(
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
