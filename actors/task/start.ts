import { laneOf } from "#domain/lane";
import type { StepRow } from "#domain/step";
import { rankOf } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Ask } from "../asks.js";

type Place = { readonly lane: string; readonly rank: number };

/** Where a Step waits for a worker once it is ready. */
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

/** What begins a Task: its Steps without dependencies become ready, and the Task says so. */
export function startTask(task: TaskRow, steps: readonly StepRow[], at: Instant): Ask[] {
  const taskId = task.id;
  const ready = steps.filter(({ unsatisfied }) => unsatisfied === 0);
  const found =
    steps.length === 0 ? "noStepsFound" : ready.length === 0 ? "noDependenciesReady" : "readyStepsFound";

  return [
    { type: "advanceTask", params: { taskId, message: { type: "start", at } } },
    ...ready.map((step): Ask => {
      const message = { type: "enqueue", at, ...placeOf(task, step, at) } as const;
      return { type: "advanceStep", params: { taskId, stepName: step.name, message } };
    }),
    { type: "advanceTask", params: { taskId, message: { type: found, at } } },
  ];
}
