import { nextAttemptAt, pauseAfter } from "#domain/task/retry";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import type { Stamped } from "../life.js";
import { advanceStep, keyOf } from "../make-command.js";
import { dispatchStep } from "../step-types/index.js";
import { fail } from "./outcomes.js";

/** What is known of a failed attempt. */
export interface Failure {
  readonly errorMessage: string;
  readonly retryable: boolean;
  /** The worker is gone: that says nothing about what the agent calls, so its own backoff is not waited for. */
  readonly lost?: boolean;
  /** A hint; 0 is none. */
  readonly retryAfter: Millis;
}

/** An attempt has failed: another one begins now or later, or the Step has failed for good. */
export function failAttempt(
  task: TaskRow,
  step: StepRow,
  { errorMessage, retryable, lost = false, retryAfter }: Failure,
  { at, draw }: Stamped,
): Command[] {
  const failed = advanceStep(step, { type: "failed", at, errorMessage });
  if (!retryable || step.attempts >= step.maxAttempts) return [failed, ...fail(step, errorMessage, at)];
  const backoff = lost
    ? later(at, pauseAfter(step.attempts))
    : nextAttemptAt(step.spec.retry, step.attempts, at, draw);
  const hint = later(at, millis(Math.min(retryAfter, limits.retryAfterMax)));
  const until = Math.max(backoff, hint) as Instant;
  const wait = advanceStep(step, { type: "waitForRetry", at, until });
  if (until <= at) return [failed, wait, ...retryNow(task, step, at)];
  return [failed, wait, { type: "setDeadline", params: { ...keyOf(step), kind: "retry", at: until } }];
}

/** The Step has waited for its retry long enough. */
export function retryNow(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [advanceStep(step, { type: "retry", at }), ...dispatchStep(task, step, at)];
}
