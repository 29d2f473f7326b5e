import { limits } from "#domain/limits";
import { nextAttemptAt, pauseAfter } from "#domain/retry";
import { type StepRow, satisfies, tolerates } from "#domain/step";
import { countOf, type Reason, type TaskRow } from "#domain/task";
import { utf8Bytes } from "#domain/text";
import { type Instant, later, type Millis, millis } from "#domain/time";
import type { Command } from "../commands.js";
import type { StepMessage } from "../step/messages.js";
import type { TaskMessage } from "../task/messages.js";
import { dispatchStep } from "../task/start.js";
import type { TaskFinalizerMessage } from "./messages.js";

/** The ways a Step comes out of `in_progress`, as asks. */
export function advance({ taskId, name }: StepRow, message: StepMessage): Command {
  return { type: "advanceStep", params: { taskId, stepName: name, message } };
}

export function advanceTask({ id: taskId }: TaskRow, message: TaskMessage): Command {
  return { type: "advanceTask", params: { taskId, message } };
}

export function tell(message: TaskFinalizerMessage): Command {
  return { type: "tell", params: { to: "task-finalizer", message } };
}

export function keyOf({ taskId, name: stepName }: StepRow) {
  return { taskId, stepName };
}

/** The result is kept; whether it is accepted is said next. */
export function succeed(step: StepRow, output: string, at: Instant): Command[] {
  return [
    ...keepOutput(step, output),
    advance(step, { type: "succeeded", at, outputBytes: utf8Bytes(output) }),
  ];
}

export function keepOutput(step: StepRow, json: string): Command[] {
  return json === "" ? [] : [{ type: "keepOutput", params: { ...keyOf(step), json } }];
}

/** Done: those that waited for it are told. */
export function complete(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [accept(task, step, at), ...tellFollowers(step)];
}

/** Done, and whoever was made to follow it is told. */
export function completeUnfolded(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [accept(task, step, at), tell({ type: "step.settled", ...keyOf(step) })];
}

function accept(task: TaskRow, step: StepRow, at: Instant): Command {
  return advance(step, { type: "complete", at, order: nextOrder(task) });
}

/** The place of the next Step to complete among all of the Task that have. */
export function nextOrder({ counts }: TaskRow): number {
  return countOf(counts, "complete", "resolved_manually") + 1;
}

/** Nothing more is tried. A failure that is passed over lets those go on that waited. */
export function fail(step: StepRow, errorMessage: string, at: Instant, reason?: Reason): Command[] {
  const commands = [advance(step, { type: "fail", at, errorMessage, ...(reason && { reason }) })];
  return tolerates(step.spec) ? [...commands, ...tellFollowers(step)] : commands;
}

/**
 * Fails for good what is in progress, whatever attempts remain.
 *
 * @param reason what the Task's reason becomes if it fails with the Step; its error message begins with it
 */
export function failForGood(step: StepRow, text: string, at: Instant, reason?: Reason): Command[] {
  const errorMessage = reason ? `${reason}: ${text}` : text;
  return [advance(step, { type: "failed", at, errorMessage }), ...fail(step, errorMessage, at, reason)];
}

export function tellFollowers(step: StepRow): Command[] {
  const awaited = step.dependants.length > 0 || step.spec.member !== undefined;
  return awaited ? [tell({ type: "step.settled", ...keyOf(step) })] : [];
}

/** What is known of a failed attempt. */
export interface Failure {
  readonly errorMessage: string;
  readonly retryable: boolean;
  /** The worker is gone: that says nothing about what the agent calls, so its own backoff is not waited for. */
  readonly lost?: boolean;
  /** A hint; 0 is none. */
  readonly retryAfter: Millis;
}

/** An attempt has failed: another one now, another one later, or none. */
export function failAttempt(
  task: TaskRow,
  step: StepRow,
  { errorMessage, retryable, lost = false, retryAfter }: Failure,
  at: Instant,
  draw: number,
): Command[] {
  const failed = advance(step, { type: "failed", at, errorMessage });
  if (!retryable || step.attempts >= step.maxAttempts) return [failed, ...fail(step, errorMessage, at)];
  const backoff = lost
    ? later(at, pauseAfter(step.attempts))
    : nextAttemptAt(step.spec.retry, step.attempts, at, draw);
  const hint = later(at, millis(Math.min(retryAfter, limits.retryAfterMax)));
  const until = Math.max(backoff, hint) as Instant;
  if (until <= at)
    return [failed, advance(step, { type: "waitForRetry", at, until }), ...tryNow(task, step, at)];
  return [
    failed,
    advance(step, { type: "waitForRetry", at, until }),
    { type: "setDeadline", params: { ...keyOf(step), kind: "retry", at: until } },
  ];
}

/** The wait is over. */
export function tryNow(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [advance(step, { type: "retry", at }), ...dispatchStep(task, step, at)];
}

/** Settled: each Step that waited has one thing less to wait for; the batch or map lets its next member go. */
export function unblock(task: TaskRow, step: StepRow, found: readonly StepRow[], at: Instant): Command[] {
  if (!satisfies(step)) return [];
  const byName = new Map(found.map((row) => [row.name, row]));
  const dependants = step.dependants.flatMap((name) => byName.get(name) ?? []);
  return [...dependants.flatMap((row) => satisfy(task, row, at)), ...openNext(task, step, byName, at)];
}

function satisfy(task: TaskRow, row: StepRow, at: Instant): Command[] {
  const commands = [advance(row, { type: "dependencySatisfied", at })];
  if (row.unsatisfied !== 1) return commands;
  if (row.state === "pending" && mayGo(task, row)) return [...commands, ...dispatchStep(task, row, at)];
  if (row.state === "in_progress") return [...commands, tell({ type: "map.collect", ...keyOf(row) })];
  return commands;
}

/** A member of a batch or map goes when its turn has come. */
export function mayGo({ opened }: TaskRow, { spec: { member } }: StepRow): boolean {
  return !member || member.group === "" || member.index < (opened[member.group] ?? 0);
}

function openNext(
  task: TaskRow,
  { spec: { member } }: StepRow,
  byName: ReadonlyMap<string, StepRow>,
  at: Instant,
): Command[] {
  const group = member && byName.get(member.group);
  const count = group && task.opened[group.name];
  if (!group || count === undefined || count >= group.members.length) return [];

  const next = byName.get(group.members[count] ?? "");
  const opened = advanceTask(task, { type: "opened", at, group: group.name, count: count + 1 });
  const goes = next?.state === "pending" && next.unsatisfied === 0;
  return goes ? [opened, ...dispatchStep(task, next, at)] : [opened];
}
