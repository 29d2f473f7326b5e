import { mayUse } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { StepKey } from "#domain/id";
import { limits } from "#domain/limits";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { AVOID, ceiling, DEFAULT_RETRY, nextAttemptAt } from "#domain/retry";
import { isOver } from "#domain/run";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskRow } from "#domain/task";
import { type Instant, later, millis } from "#domain/time";
import type { Ask } from "../asks.js";
import type { RunEnd } from "../run/messages.js";
import type { StepMessage } from "../step/messages.js";
import { placeOf, startTask } from "../task/start.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";

type Message<Type extends TaskFinalizerMessage["type"]> = Extract<TaskFinalizerMessage, { type: Type }>;

/** A Run has ended: its Step is done, tries again, or fails for good. */
export function settle(
  { runId, end }: Message<"run.ended">,
  found: FinalizerFound,
  at: Instant,
  draw: number,
): Ask[] {
  const { task, step } = found;
  if (!task || step?.state !== "in_progress" || step.runId !== runId) return [];

  const key = { taskId: task.id, stepName: step.name };
  switch (end.how) {
    case "completed":
      return [
        ...(end.output === "" ? [] : [{ type: "keepOutput", params: { ...key, json: end.output } } as const]),
        advance(key, { type: "succeeded", at, outputBytes: end.outputBytes }),
        advance(key, { type: "complete", at }),
      ];
    case "cancelled":
      return [
        {
          type: "advanceTask",
          params: { taskId: task.id, message: { type: "cancel", at, message: end.errorMessage } },
        },
      ];
    case "handedBack": {
      const avoidUntil = later(at, ceiling(AVOID, step.declines + 1));
      return [
        advance(key, {
          type: "handBack",
          at,
          ...placeOf(task, step, at),
          avoidWorker: end.workerId,
          avoidUntil,
        }),
      ];
    }
    case "lost":
    case "failed":
      return [
        advance(key, { type: "failed", at, errorMessage: end.errorMessage }),
        ...tryAgain(task, step, end, at, draw),
      ];
  }
}

/** After a lost worker at once, after a failed agent with backoff; not at all if no attempt remains. */
function tryAgain(task: TaskRow, step: StepRow, end: RunEnd, at: Instant, draw: number): Ask[] {
  const key = { taskId: task.id, stepName: step.name };
  const final = end.how === "failed" && !end.retryable;
  if (final || step.attempts >= step.maxAttempts) return [advance(key, { type: "fail", at })];
  if (end.how !== "failed")
    return [advance(key, { type: "waitForRetry", at, until: at }), ...enqueueAgain(task, step, at)];

  const backoff = nextAttemptAt(DEFAULT_RETRY, step.attempts, at, draw);
  const hint = later(at, millis(Math.min(end.retryAfter, limits.retryAfterMax)));
  const until = Math.max(backoff, hint) as Instant;
  return [
    advance(key, { type: "waitForRetry", at, until }),
    { type: "setDeadline", params: { ...key, kind: "retry", at: until } },
  ];
}

function enqueueAgain(task: TaskRow, step: StepRow, at: Instant): Ask[] {
  const key = { taskId: task.id, stepName: step.name };
  return [
    advance(key, { type: "retry", at }),
    advance(key, { type: "enqueue", at, ...placeOf(task, step, at) }),
  ];
}

export function cancel(
  { caller, taskId, message }: Message<"cancel">,
  { task }: FinalizerFound,
  at: Instant,
): Ask[] {
  if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
  if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
  return [
    { type: "advanceTask", params: { taskId, message: { type: "cancel", at, message } } },
    { type: "reply", params: { answer: { type: "tasks", tasks: [taskId] } } },
  ];
}

function refuse(fault: Fault): Ask {
  return { type: "reply", params: { answer: { type: "fault", fault } } };
}

/** Whatever ends a Task ends its Steps and Runs in the same commit. Held Runs are told to stop by their machine. */
export function endTheRest(
  { taskId, reason }: Message<"task.ended">,
  { steps, runs, task }: FinalizerFound,
  at: Instant,
): Ask[] {
  const message = task?.errorMessage || "the task has ended";
  return [
    ...steps.flatMap((step): Ask[] => {
      const key = { taskId, stepName: step.name };
      const waits = step.state === "waiting_for_retry";
      return [
        advance(key, { type: "cancel", at }),
        ...(waits ? [{ type: "clearDeadline", params: { ...key, kind: "retry" } } as const] : []),
      ];
    }),
    ...runs
      .filter(({ status }) => !isOver(status))
      .map(
        ({ id: runId }): Ask => ({
          type: "advanceRun",
          params: { runId, message: { type: "end", at, reason, message } },
        }),
      ),
  ];
}

/** A deadline is a value in a row: what it finds there decides; the deadline itself is done with. */
export function meetDeadline(message: Message<"deadline.passed">, found: FinalizerFound, at: Instant): Ask[] {
  const { taskId, stepName, kind, due } = message;
  if (due > at) return [{ type: "setDeadline", params: { taskId, stepName, kind, at: due } }];

  const { task, step, steps } = found;
  const clear: Ask = { type: "clearDeadline", params: { taskId, stepName, kind } };
  if (!task || isTerminal(task.state)) return [clear];
  switch (kind) {
    case "timeout": {
      const text = `the task did not end within timeout_ms = ${task.spec.timeoutMs}`;
      return [
        clear,
        { type: "advanceTask", params: { taskId, message: { type: "timeout", at, message: text } } },
      ];
    }
    case "start":
      return [clear, ...(task.state === "pending" ? startTask(task, steps, at) : [])];
    case "retry":
      if (step?.state !== "waiting_for_retry") return [clear];
      if (step.nextAttemptAt > at)
        return [{ type: "setDeadline", params: { taskId, stepName, kind, at: step.nextAttemptAt } }];
      return [clear, ...enqueueAgain(task, step, at)];
  }
}

function advance(key: StepKey, message: StepMessage): Ask {
  return { type: "advanceStep", params: { ...key, message } };
}
