import { WHOLE_TASK } from "#domain/deadline";
import { laneOf } from "#domain/lane";
import type { StepRow } from "#domain/step";
import { rankOf } from "#domain/step";
import { deadlineOf, type TaskRow } from "#domain/task";
import { type Instant, later, millis, NEVER } from "#domain/time";
import type { Command } from "../commands.js";
import type { TaskFinalizerMessage } from "../task-finalizer/messages.js";

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

/**
 * What puts a new Task into the world: its rows, its deadlines, and its beginning, unless that is later.
 *
 * @param mayStart false leaves it pending until somebody starts it
 */
export function createTask(
  task: TaskRow,
  steps: readonly StepRow[],
  input: string,
  at: Instant,
  mayStart = true,
): Command[] {
  const { id: taskId, spec } = task;
  const commands: Command[] = [
    { type: "createTask", params: { task, input } },
    ...steps.map((step): Command => ({ type: "createStep", params: { step } })),
  ];
  const deadline = deadlineOf(task);
  if (deadline !== NEVER) {
    commands.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "timeout", at: deadline },
    });
  }
  if (!mayStart) return commands;
  if (spec.startAt > at) {
    commands.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "start", at: spec.startAt },
    });
    return commands;
  }
  return [...commands, ...startTask(task, steps, at)];
}

/** What begins a Task: its Steps without dependencies become ready, and the Task says so. */
export function startTask(task: TaskRow, steps: readonly StepRow[], at: Instant): Command[] {
  const taskId = task.id;
  const ready = steps.filter(({ unsatisfied }) => unsatisfied === 0);
  const found =
    steps.length === 0 ? "noStepsFound" : ready.length === 0 ? "noDependenciesReady" : "readyStepsFound";

  return [
    { type: "advanceTask", params: { taskId, message: { type: "start", at } } },
    ...ready.flatMap((step) => dispatchStep(task, step, at)),
    { type: "advanceTask", params: { taskId, message: { type: found, at } } },
  ];
}

/** What a Step does that depends on nothing more. */
export function dispatchStep(task: TaskRow, step: StepRow, at: Instant): Command[] {
  const key = { taskId: task.id, stepName: step.name };
  const begin = {
    type: "advanceStep",
    params: { ...key, message: { type: "begin", at, childId: "" } },
  } as const;
  const { spec } = step;
  switch (spec.type) {
    case "timer": {
      const due = later(at, spec.delayMs ?? NO_DELAY);
      return [begin, { type: "setDeadline", params: { ...key, kind: "timer", at: due } }];
    }
    case "signal": {
      if (step.signalled) return [begin, tell({ type: "signal.taken", ...key })];
      const timeout = spec.signal?.timeoutMs ?? NO_DELAY;
      if (timeout === 0) return [begin];
      return [begin, { type: "setDeadline", params: { ...key, kind: "signal", at: later(at, timeout) } }];
    }
    case "map":
      return [begin, tell({ type: "map.open", ...key })];
    case "child_task":
      return [tell({ type: "child.start", ...key })];
    default: {
      const message = { type: "enqueue", at, ...placeOf(task, step, at) } as const;
      return [{ type: "advanceStep", params: { ...key, message } }];
    }
  }
}

const NO_DELAY = millis(0);

function tell(message: TaskFinalizerMessage): Command {
  return { type: "tell", params: { to: "task-finalizer", message } };
}
