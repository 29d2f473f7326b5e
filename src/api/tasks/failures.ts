import type { TaskId } from "#domain/id";
import type { FailureCause } from "#domain/task/explanation";
import { isOver, type RunRow } from "#domain/task/run";
import { failsTask, type StepRow } from "#domain/task/step";
import { taskStatus } from "#domain/task/task";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store";
import type { CallerReads } from "../caller-reads.js";

/** Why a Task has failed, or is held: itself, the Step that failed first, the last Run of it or its child Task, and so on down. */
export async function failuresOf(detail: TaskDetail, reads: CallerReads): Promise<FailureCause[]> {
  const found: FailureCause[] = [];
  let next: TaskDetail | undefined = detail;
  for (let depth = 0; next && depth <= limits.taskDepth; depth += 1) {
    const failed = firstFailure(next);
    found.push(...ofTask(next), ...(failed ? ofStep(next, failed) : []));
    next = failed && failed.childId !== "" ? await reads.task(failed.childId) : undefined;
  }
  return found;
}

/** The Step that failed first and for good. */
function firstFailure({ steps }: TaskDetail): StepRow | undefined {
  return steps.filter(failsTask).reduce<StepRow | undefined>((first, step) => {
    return first && first.finishedAt <= step.finishedAt ? first : step;
  }, undefined);
}

function ofTask({ task }: TaskDetail): FailureCause[] {
  const status = taskStatus(task);
  if (status !== "FAILED" && status !== "CANCELLED" && task.state !== "blocked_by_failures") return [];
  const { id, reason, errorMessage, finishedAt } = task;
  return [{ ...cause(id, errorMessage), reason, at: finishedAt }];
}

function ofStep({ task, runs }: TaskDetail, step: StepRow): FailureCause[] {
  const { name, attempts, errorMessage, finishedAt } = step;
  const own = { ...cause(task.id, errorMessage), stepName: name, attempt: attempts, at: finishedAt };
  const last = runs.findLast(({ stepName, status }) => stepName === name && isOver(status));
  return last && last.status !== "COMPLETED" ? [own, ofRun(last)] : [own];
}

function ofRun(run: RunRow): FailureCause {
  const { id, taskId, stepName, workerId, attempt, reason, errorMessage, errorDetail, finishedAt } = run;
  const detail = clip(errorDetail, limits.explainedDetailBytes);
  return {
    ...cause(taskId, errorMessage),
    ...{ stepName, runId: id, workerId, attempt, reason, detail },
    at: finishedAt,
  };
}

function cause(taskId: TaskId, message: string): Omit<FailureCause, "at"> {
  return { taskId, stepName: "", runId: "", workerId: "", attempt: 0, reason: "", message, detail: "" };
}
