import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Command } from "../commands.js";
import type { RunEnd } from "../run/messages.js";
import { advanceTask, complete, failAttempt, keyOf, succeed, tell } from "./done.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";
import { requeueDeclined, requeueYielded } from "./requeue.js";

/** A Run has ended: its Step is done, goes on later, tries again, or fails for good. */
export function settle(
  { runId, end }: Extract<TaskFinalizerMessage, { type: "run.ended" }>,
  found: FinalizerFound,
  at: Instant,
  draw: number,
): Command[] {
  const { task, step } = found;
  if (!task || step?.state !== "in_progress" || step.runId !== runId) return [];

  return [...stopClock(step), ...outcome(task, step, end, found, at, draw)];
}

/** The deadline of the attempt, if it had one, is past with it. */
export function stopClock(step: StepRow): Command[] {
  if (step.spec.timeoutMs === 0) return [];
  return [{ type: "clearDeadline", params: { ...keyOf(step), kind: "attempt" } }];
}

function outcome(
  task: TaskRow,
  step: StepRow,
  end: RunEnd,
  { stepInput }: FinalizerFound,
  at: Instant,
  draw: number,
): Command[] {
  switch (end.how) {
    case "completed":
      return [...succeed(step, end.output, at), ...accept(task, step, end.output, at)];
    case "yielded":
      return requeueYielded(task, step, end, stepInput, at);
    case "cancelled":
      return [advanceTask(task, { type: "cancel", at, message: end.errorMessage })];
    case "handedBack":
      return requeueDeclined(task, step, end, at);
    case "lost":
      return failAttempt(task, step, { ...end, lost: true, retryable: true, retryAfter: NONE }, at, draw);
    case "failed":
      return failAttempt(task, step, end, at, draw);
  }
}

const NONE = 0 as Extract<RunEnd, { how: "failed" }>["retryAfter"];

/** A decision or a batch is done once what it says has been made. */
function accept(task: TaskRow, step: StepRow, output: string, at: Instant): Command[] {
  const { template } = task.spec;
  const unfolds = step.spec.type === "decision" || step.spec.type === "batchable";
  if (!unfolds || !template) return complete(task, step, at);
  return [tell({ type: "unfold", ...keyOf(step), output, template })];
}
