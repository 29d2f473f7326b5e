import { laneOf } from "#domain/task/lane";
import { rankOf, type StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";

/** Where a Step waits for a worker: its lane, and its rank there. */
export interface Place {
  readonly lane: string;
  readonly rank: number;
}

/** The place of a Step that is ready from `readyAt` on. */
export function placeOf(
  { namespace, spec }: TaskRow,
  step: Pick<StepRow, "agentName">,
  readyAt: Instant,
): Place {
  return {
    lane: laneOf(namespace, step.agentName, spec.workerSelector).key,
    rank: rankOf(readyAt, spec.priority),
  };
}
