import { sliceAt, withMembers } from "#domain/json/slices";
import { AVOID, ceiling, paceAfter, pauseAfter } from "#domain/task/retry";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { advanceStep, keyOf } from "../make-command.js";
import type { RunEnd } from "../run/messages.js";
import { journalOf } from "./journal.js";
import { failForGood } from "./outcomes.js";
import { placeOf } from "./place.js";

type End<How extends RunEnd["how"]> = Extract<RunEnd, { how: How }>;

/**
 * Queues the Step again after a worker declined its Run: at once the first times, since another worker may accept,
 * then after a growing delay. After `limits.fruitlessRuns` in a row the Step fails with `DECLINE_LIMIT`.
 */
export function requeueDeclined(
  task: TaskRow,
  step: StepRow,
  { workerId, message }: End<"handedBack">,
  at: Instant,
): Command[] {
  const declines = step.declines + 1;
  if (declines >= limits.fruitlessRuns) {
    const last = `the last by worker "${workerId}": ${message || "no reason given"}`;
    const text = `the step was handed back ${declines} times in a row, ${last}`;
    return failForGood(step, text, at, "DECLINE_LIMIT");
  }
  const place = placeFrom(task, step, later(at, pauseAfter(declines)), at);
  const avoid = { avoidWorker: workerId, avoidUntil: later(at, ceiling(AVOID, declines)) };
  return [advanceStep(step, { type: "handBack", at, ...place, ...avoid })];
}

/**
 * Queues the Step again after its Run stopped at a checkpoint, from which the next one continues. The delay grows with
 * the number of Runs, so that a Step which stops at once cannot keep the plane busy; one that makes no progress fails
 * with `YIELD_LIMIT`.
 */
export function requeueYielded(
  task: TaskRow,
  step: StepRow,
  end: End<"yielded">,
  stepInput: string | undefined,
  at: Instant,
): Command[] {
  const before = stepInput ?? "{}";
  const checkpoint = `{"cursor":${end.cursor},"output":${end.output || "null"}}`;
  const fruitless = sliceAt(before, ["checkpoint"]) === checkpoint ? step.declines + 1 : 0;
  const json = withMembers(before, new Map([["checkpoint", checkpoint]]));
  const keep: Command = { type: "keepInput", params: { ...keyOf(step), json } };

  const tooOften = whyNoFurther(step, fruitless);
  if (tooOften !== undefined) return [keep, ...failForGood(step, tooOften, at, "YIELD_LIMIT")];
  const paced = later(end.startedAt, paceAfter(boundedRuns(step)));
  const until = Math.max(paced, later(at, pauseAfter(fruitless))) as Instant;
  return [keep, advanceStep(step, { type: "yielded", at, fruitless, ...placeFrom(task, step, until, at) })];
}

function whyNoFurther(step: StepRow, fruitless: number): string | undefined {
  if (fruitless >= limits.fruitlessRuns) {
    return `${fruitless} runs in a row stopped at the checkpoint that they began from`;
  }
  const runs = boundedRuns(step);
  return runs >= limits.stepRuns
    ? `the step has had ${runs} runs, the most of one: stop at fewer checkpoints`
    : undefined;
}

/** Runs that the Step has had, where these are paced and bounded: one that was suspended is none, since its agent waits and is in no loop. */
function boundedRuns(step: StepRow): number {
  return step.fence - journalOf(step).suspensions;
}

/** Its place in its lane from `until` on, or from now if that has passed. */
function placeFrom(task: TaskRow, step: StepRow, until: Instant, at: Instant) {
  return until > at ? { until, ...placeOf(task, step, until) } : { until: NEVER, ...placeOf(task, step, at) };
}
