import { mayUse } from "#domain/caller";
import { WHOLE_TASK } from "#domain/deadline";
import type { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { isOver } from "#domain/run";
import { isSettled, type StepRow } from "#domain/step";
import { isTerminal } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Command } from "../commands.js";
import { advance, advanceTask, keyOf } from "./done.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";
import { stopClock } from "./settle.js";
import { undo } from "./undo.js";

type Message<Type extends TaskFinalizerMessage["type"]> = Extract<TaskFinalizerMessage, { type: Type }>;

export function cancel(
  { caller, taskId, message }: Message<"cancel">,
  { task }: FinalizerFound,
  at: Instant,
): Command[] {
  if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
  if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
  return [
    advanceTask(task, { type: "cancel", at, message }),
    { type: "reply", params: { answer: { type: "tasks", tasks: [taskId] } } },
  ];
}

export function refuse(fault: Fault): Command {
  return { type: "reply", params: { answer: { type: "fault", fault } } };
}

/**
 * Whatever ends a Task ends its Steps and Runs in the same commit, and makes the Task that undoes what it
 * did. Held Runs are told to stop by their machine; Tasks that are Steps of it end in turns of their own.
 */
export function endTheRest(message: Message<"task.ended">, found: FinalizerFound, at: Instant): Command[] {
  const { task, steps, runs } = found;
  const why = task?.errorMessage || "the task has ended";
  return [
    ...steps.filter(({ state }) => !isSettled(state)).flatMap((step) => endStep(step, at)),
    ...runs
      .filter(({ status }) => !isOver(status))
      .map(
        ({ id: runId }): Command => ({
          type: "advanceRun",
          params: { runId, message: { type: "end", at, reason: message.reason, message: why } },
        }),
      ),
    ...undo(found, at),
  ];
}

function endStep(step: StepRow, at: Instant): Command[] {
  const { state, spec, childId } = step;
  const commands = [advance(step, { type: "cancel", at })];
  const waited =
    state === "waiting_for_retry" ? "retry" : state === "in_progress" ? WAITS[spec.type] : undefined;
  if (waited) commands.push({ type: "clearDeadline", params: { ...keyOf(step), kind: waited } });
  if (state !== "in_progress") return commands;
  if (childId !== "") {
    commands.push({
      type: "setDeadline",
      params: { taskId: childId, stepName: WHOLE_TASK, kind: "orphan", at },
    });
  }
  return [...commands, ...stopClock(step)];
}

/** The deadline of a Step that waits for something else than a worker. */
const WAITS: Readonly<Record<string, "timer" | "signal">> = { timer: "timer", signal: "signal" };
