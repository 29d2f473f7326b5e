import { isOver } from "#domain/run";
import { isTerminal } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Command } from "../commands.js";
import { advanceTask, failForGood } from "./done.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";

/**
 * Ends what could not be decided about, as narrowly as it can be done: the Run if it is alive, else the Step if it is
 * in progress, else the whole Task. Nothing is tried again: the same message would meet the same fault.
 */
export function abort(
  { runId, message }: Extract<TaskFinalizerMessage, { type: "abort" }>,
  { task, step, runs }: FinalizerFound,
  at: Instant,
): Command[] {
  if (!task || isTerminal(task.state)) return [];
  const run = runs.find(({ id, status }) => (id === runId || id === step?.runId) && !isOver(status));
  if (run) {
    const broken = { type: "broken", at, reason: "INTERNAL", message } as const;
    return [{ type: "advanceRun", params: { runId: run.id, message: broken } }];
  }
  if (step?.state === "in_progress") return failForGood(step, message, at);
  return [advanceTask(task, { type: "abort", at, message })];
}
