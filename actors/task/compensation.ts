import type { StepSpec } from "#domain/graph/plan";
import type { RunRow } from "#domain/task/run";
import { followingTaskSpec } from "#domain/task/spec";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskRow, TaskSpec } from "#domain/task/task";
import { type Instant, millis, NEVER } from "#domain/time/time";
import type { Command } from "../commands.js";
import { inputOf } from "../data.js";
import type { MessageView } from "../view.js";
import { newTask } from "./make.js";
import { createTask } from "./start.js";

/**
 * Makes the Task that compensates what an ended one did: its completed Steps in reverse order of completion, and
 * before them those that a worker had in hand. It begins once no worker has a Run of the old one any more, for
 * until then something may still be done that has to be compensated. Nothing if the Task ended well.
 */
export function compensate(task: TaskRow, view: MessageView, at: Instant): Command[] {
  const failed = task.state === "error" || task.state === "cancelled";
  if (!failed || !task.spec.isCompensable || task.compensatedBy !== "") return [];
  const runs = view.runsOf(task.id);
  const inHand = new Set(runs.filter(isInHand).map(({ stepName }) => stepName));
  const done = view
    .stepsOf(task.id)
    .filter(
      ({ name, state, spec }) => spec.compensation && !spec.map && (state === "complete" || inHand.has(name)),
    )
    .sort((a, b) => placeIn(b) - placeIn(a));
  if (done.length === 0) return [];

  const id = view.newTaskId();
  const input = inputOf(task.id, view);
  const compensation = newTask({ id, namespace: task.namespace, spec: specOf(task), input }, done.length, at);
  const rows = chain(compensation, done, task.errorMessage);
  const isFree = runs.every(({ heldBy }) => heldBy === "");
  return [
    { type: "noteCompensation", params: { taskId: task.id, compensatedBy: id } },
    ...createTask(compensation, rows, input, at, isFree),
  ];
}

/** True if a worker runs it, or was told to stop it and may have finished it before it heard of that. */
function isInHand({ startedAt, status, heldBy }: RunRow): boolean {
  return status === "RUNNING" || (startedAt !== NEVER && heldBy !== "");
}

/** Orders by completion; a Step that is not complete began after all that are. */
function placeIn({ order }: StepRow): number {
  return order === 0 ? Number.POSITIVE_INFINITY : order;
}

/** For whom and where as the original; its deadline, parent and template are not taken over. */
function specOf({ id, spec }: TaskRow): TaskSpec {
  return followingTaskSpec(spec, {
    timeoutMs: millis(0),
    holdOnFailure: false,
    parent: null,
    depth: 0,
    compensates: id,
    isCompensable: false,
  });
}

/** A chain of Steps, each named as the Step it compensates. A failed one does not stop those after it. */
function chain({ id: taskId }: TaskRow, done: readonly StepRow[], error: string): StepRow[] {
  return done.flatMap(({ taskId: compensatedTask, name, spec: { compensation: plan } }, i): StepRow[] => {
    if (!plan) return [];
    const before = done[i - 1]?.name;
    const after = done[i + 1]?.name;
    const spec: StepSpec = {
      type: "standard",
      planned: plan.name,
      config: plan.config,
      retry: plan.retry,
      maxAttempts: plan.maxAttempts,
      maxLosses: plan.maxLosses,
      timeoutMs: plan.timeoutMs,
      member: { group: "", index: i, concurrency: 1, failure: "isolate" },
      compensates: { taskId: compensatedTask, stepName: name, error },
    };
    return [
      newStep({
        taskId,
        name,
        agentName: plan.agentName,
        spec,
        dependsOn: before === undefined ? [] : [before],
        unsatisfied: before === undefined ? 0 : 1,
        dependants: after === undefined ? [] : [after],
      }),
    ];
  });
}
