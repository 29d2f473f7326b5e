import {
  closesByItself,
  type DeadLetterRow,
  type DeadLetterStatus,
  openedLetter,
  withStatus,
} from "#domain/task/dead-letter";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { failedContent, failedRuns, failedTasks } from "../task/dead-letter.js";
import type { MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A Task has failed for good, is held, or has moved on after it was: its dead letter is made or closed, in the commit in
 * which that happens.
 */
export const deadLetter: FinalizerHandler<"dead.letter"> = {
  needs({ taskId, hasFailed }, view) {
    const task = view.task(taskId);
    return {
      deadLetters: task?.hasDeadLetter ? [taskId] : [],
      ...(hasFailed && { graphs: failedTasks(taskId, view), runs: failedRuns(taskId, view) }),
    };
  },

  decide({ taskId, hasFailed }, view, { at }) {
    const task = view.task(taskId);
    if (!task) return [];
    const known = view.deadLetter(taskId);
    return hasFailed ? opened(task, known, view, at) : closed(task, known, at);
  },
};

function opened(
  task: TaskRow,
  known: DeadLetterRow | undefined,
  view: MessageView,
  at: Instant,
): readonly Command[] {
  if (task.state === "error" && task.spec.parent) return closed(task, known, at);
  const failed = failedContent(task, view);
  const content = task.state === "error" ? failed : { ...failed, reason: "HELD" as const };
  const isKnown = known?.status === "PENDING" && known.reason === content.reason;
  return isKnown ? [] : [keepDeadLetter(openedLetter(content, known, at))];
}

function closed(task: TaskRow, known: DeadLetterRow | undefined, at: Instant): readonly Command[] {
  if (known?.status !== "PENDING" || !closesByItself(known.reason)) return [];
  if (known.reason === "HELD" && task.state === "blocked_by_failures") return [];
  return [keepDeadLetter(withStatus(known, statusAfter(task), "", at))];
}

/** What the Task's own state says of a dead letter that nobody has closed. */
function statusAfter({ state }: TaskRow): DeadLetterStatus {
  if (!isTerminal(state)) return "MOVED_ON";
  if (state === "cancelled") return "CANCELLED";
  return state === "resolved_manually" ? "MANUALLY_RESOLVED" : "MOVED_ON";
}

export function keepDeadLetter(row: DeadLetterRow): Command {
  return { type: "keepDeadLetter", params: { row } };
}
