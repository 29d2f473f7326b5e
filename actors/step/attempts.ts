import { maxLossesOf } from "#domain/task/losses";
import type { DurableFailure } from "#domain/task/report";
import { AVOID, ceiling, nextAttemptAt, pauseAfter } from "#domain/task/retry";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import type { Stamped } from "../life.js";
import { advanceStep, keyOf } from "../make-command.js";
import type { RunEnd } from "../run/messages.js";
import { dispatchStep } from "../step-types/index.js";
import { inDoubt } from "./journal.js";
import { fail, failForGood } from "./outcomes.js";

/** What is known of a failed attempt. */
export interface Failure {
  readonly errorMessage: string;
  readonly retryable: boolean;
  /** A hint; 0 is none. */
  readonly retryAfter: Millis;
  /** Why no other attempt would do better. */
  readonly reason?: DurableFailure;
}

/** An attempt has failed: another one begins now or later, or the Step has failed for good. */
export function failAttempt(
  task: TaskRow,
  step: StepRow,
  { errorMessage, retryable, retryAfter, reason }: Failure,
  { at, draw }: Stamped,
): Command[] {
  if (reason) return failForGood(step, errorMessage, at, reason);
  const failed = advanceStep(step, { type: "failed", at, errorMessage });
  if (!retryable || step.attempts >= step.maxAttempts) return [failed, ...fail(step, errorMessage, at)];
  const backoff = nextAttemptAt(step.spec.retry, step.attempts, at, draw);
  const hint = later(at, millis(Math.min(retryAfter, limits.retryAfterMax)));
  return [failed, ...waitUntil(task, step, Math.max(backoff, hint) as Instant, at)];
}

/**
 * The Step's Run is lost. Another one begins, with the same attempt: at once the first times, since a lost worker is no
 * sign that what the agent calls needs a pause, then after a growing delay, since the Step itself may be what ends its
 * workers. It avoids the worker that lost it. One loss more than it may have fails it for good.
 */
export function countLoss(
  task: TaskRow,
  step: StepRow,
  { reason, workerId, errorMessage }: Extract<RunEnd, { how: "lost" }>,
  at: Instant,
): Command[] {
  const losses = step.losses + 1;
  const avoid = { avoidWorker: workerId, avoidUntil: later(at, ceiling(AVOID, losses)) };
  const lost = advanceStep(step, { type: "lost", at, errorMessage, ...avoid });
  const most = maxLossesOf(step);
  if (losses <= most) return [lost, ...waitUntil(task, step, later(at, pauseAfter(losses)), at)];
  const count = losses === 1 ? "1 run was" : `${losses} runs were`;
  const text = `${reason}: ${count} lost, and max_losses is ${most}; the last on worker "${workerId}": ${errorMessage}`;
  return [lost, ...fail(step, text, at, reason)];
}

/** The next attempt begins then, or now if that has passed: with something in doubt by its deadline, which sees whether it may. */
function waitUntil(task: TaskRow, step: StepRow, until: Instant, at: Instant): Command[] {
  const wait = advanceStep(step, { type: "waitForRetry", at, until });
  if (until <= at && inDoubt(step).length === 0) return [wait, ...retryNow(task, step, at)];
  return [wait, { type: "setDeadline", params: { ...keyOf(step), kind: "retry", at: until } }];
}

/** The Step has waited for its retry long enough. */
export function retryNow(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [advanceStep(step, { type: "retry", at }), ...dispatchStep(task, step, at)];
}
