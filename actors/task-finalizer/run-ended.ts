import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Command } from "../commands.js";
import type { Stamped } from "../life.js";
import { advanceTask, keyOf } from "../make-command.js";
import type { RunEnd } from "../run/messages.js";
import { countLoss, failAttempt } from "../step/attempts.js";
import { noteDoubt } from "../step/doubt.js";
import { clearAttemptDeadline, complete, succeed } from "../step/outcomes.js";
import { requeueDeclined, requeueYielded } from "../step/requeue.js";
import { suspend, waitNeeds } from "../step/waits.js";
import { behaviorOf } from "../step-types/index.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** A Run has ended: its Step is done, goes on in another Run, is tried again, or has failed for good. */
export const runEnded: FinalizerHandler<"run.ended"> = {
  needs(message, view) {
    if (message.end.how === "suspended") return waitNeeds(message, message.end.entries, view);
    const goesOn = message.end.how === "yielded" && view.step(message)?.hasInput;
    return { steps: [message], ...(goesOn && { stepInputs: [message] }) };
  },

  decide(message, view, moment) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress" || step.runId !== message.runId) return [];
    return [
      ...(isInDoubt(message.end) ? noteDoubt(task, step) : []),
      ...clearAttemptDeadline(step),
      ...outcome(task, step, message.end, view, moment),
    ];
  },
};

/** True if the agent may have done its work without completing the Step. Of a Run still held, its release tells. */
function isInDoubt(end: RunEnd): boolean {
  if (end.how === "failed") return end.inDoubt === true || end.reason === "IN_DOUBT";
  return end.how === "handedBack" ? end.inDoubt === true : IN_DOUBT.has(end.how);
}

const IN_DOUBT: ReadonlySet<RunEnd["how"]> = new Set(["yielded", "suspended", "cancelled", "lost"]);

function outcome(task: TaskRow, step: StepRow, end: RunEnd, view: MessageView, moment: Stamped): Command[] {
  const { at } = moment;
  switch (end.how) {
    case "completed": {
      const accepted = behaviorOf(step).accept?.(task, step, end.output, at) ?? complete(task, step, at);
      return [...succeed(step, end.output, at), ...accepted];
    }
    case "yielded":
      return requeueYielded(task, step, end, view.stepInput(keyOf(step)), at);
    case "suspended":
      return suspend(task, step, end.entries, view, at);
    case "cancelled":
      return [advanceTask(task, { type: "cancel", at, message: end.errorMessage })];
    case "handedBack":
      return requeueDeclined(task, step, end, at);
    case "lost":
      return countLoss(task, step, end, at);
    case "failed":
      return failAttempt(task, step, end, moment);
  }
}
