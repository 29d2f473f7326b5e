import { isOver } from "#domain/run";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskRow } from "#domain/task";
import { type Instant, later, millis } from "#domain/time";
import type { Command } from "../commands.js";
import { startTask } from "../task/start.js";
import { advanceTask, complete, failAttempt, failForGood, succeed, tryNow } from "./done.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";

type Passed = Extract<TaskFinalizerMessage, { type: "deadline.passed" }>;

/** A deadline is a value in a row: what it finds there decides; the deadline itself is done with. */
export function meetDeadline(message: Passed, found: FinalizerFound, at: Instant, draw: number): Command[] {
  const { taskId, stepName, kind, due } = message;
  if (due > at) return [{ type: "setDeadline", params: { taskId, stepName, kind, at: due } }];

  const { task, step } = found;
  const clear: Command = { type: "clearDeadline", params: { taskId, stepName, kind } };
  if (!task || isTerminal(task.state)) return [clear];
  switch (kind) {
    case "timeout": {
      const text = `the task did not end within timeout_ms = ${task.spec.timeoutMs}`;
      return [clear, advanceTask(task, { type: "timeout", at, message: text })];
    }
    case "start":
      return [clear, ...(task.state === "pending" ? startTask(task, found.steps, at) : [])];
    case "orphan":
      return [
        clear,
        advanceTask(task, { type: "cancel", at, message: "the task it is a step of has ended" }),
      ];
    case "hold":
      return [clear, advanceTask(task, { type: "giveUp", at })];
    case "retry":
    case "attempt":
    case "timer":
    case "signal":
      return step ? meetStepDeadline(message, clear, task, step, found, at, draw) : [clear];
  }
}

function meetStepDeadline(
  { taskId, stepName, kind }: Passed,
  clear: Command,
  task: TaskRow,
  step: StepRow,
  { runs }: FinalizerFound,
  at: Instant,
  draw: number,
): Command[] {
  if (kind === "retry") {
    if (step.state !== "waiting_for_retry") return [clear];
    if (step.nextAttemptAt > at) {
      return [{ type: "setDeadline", params: { taskId, stepName, kind, at: step.nextAttemptAt } }];
    }
    return [clear, ...tryNow(task, step, at)];
  }
  if (step.state !== "in_progress") return [clear];
  switch (kind) {
    case "timer":
      return [clear, ...succeed(step, "", at), ...complete(task, step, at)];
    case "signal": {
      const plan = step.spec.signal;
      if (plan?.otherwise !== undefined) {
        const output = JSON.stringify(plan.otherwise);
        return [clear, ...succeed(step, output, at), ...complete(task, step, at)];
      }
      const text = `nobody sent signal "${plan?.name}" within ${plan?.timeoutMs} ms`;
      return [clear, ...failForGood(step, text, at)];
    }
    default: {
      const run = runs.find(({ id, status }) => id === step.runId && !isOver(status));
      if (!run) return [clear];
      const end = later(run.createdAt, step.spec.timeoutMs);
      if (end > at) return [{ type: "setDeadline", params: { taskId, stepName, kind, at: end } }];
      const text = `the attempt did not end within ${step.spec.timeoutMs} ms, the timeout of its step`;
      const timeout = { type: "end", at, reason: "TIMEOUT", message: text } as const;
      const failure = { errorMessage: text, retryable: true, retryAfter: millis(0) };
      return [
        clear,
        { type: "advanceRun", params: { runId: run.id, message: timeout } },
        ...failAttempt(task, step, failure, at, draw),
      ];
    }
  }
}
