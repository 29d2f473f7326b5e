import type { StepSpec } from "#domain/graph/plan";
import type { StepKey, TaskId } from "#domain/id";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { newStep, type StepRow } from "#domain/task/step";
import { canBeCompensated, isTerminal, type TaskRow } from "#domain/task/task";
import { millis } from "#domain/time/time";
import { liveTask, type MessageView } from "../view.js";
import { taskAlone } from "./quiescence.js";

/** A Step to be compensated, and what is known of it when the compensating Task is made. */
interface Link {
  readonly step: StepRow;
  /** True if only the end of what is still going on tells whether there is anything to compensate. */
  readonly isUnsure: boolean;
  /** True if it has nothing to compensate, and is there so that what comes after it waits for its child's end. */
  readonly onlyWaits: boolean;
}

/**
 * The Steps of the Task that compensates another one: a chain in reverse order, each named as the Step it compensates. A
 * failed one does not stop those after it.
 */
export function compensationSteps(task: TaskRow, id: TaskId, error: string, view: MessageView): StepRow[] {
  const runs = view.runsOf(task.id).filter(({ heldBy }) => heldBy !== "");
  const held = new Set(runs.map(({ stepName }) => stepName));
  const links = view.stepsOf(task.id).flatMap((step) => linkOf(step, held, view) ?? []);
  if (links.every(({ onlyWaits }) => onlyWaits)) return [];
  return chain(id, links.sort(lastFirst), error);
}

/** The Tasks that are Steps of a Task, and those that compensate them: what the Steps of its compensation are made from. */
export function childrenNeeds(taskId: TaskId, view: MessageView): StepKey[] {
  return view.stepsOf(taskId).flatMap(({ childId }): StepKey[] => {
    if (childId === "") return [];
    const compensatedBy = view.task(childId)?.compensatedBy;
    return [taskAlone(childId), ...(compensatedBy ? [taskAlone(compensatedBy)] : [])];
  });
}

/**
 * Whether, and how, a Step is compensated. If its agent has reported a failure, and no other Run of it is in doubt, there
 * is nothing to compensate. A map is its members, which are compensated one by one.
 */
function linkOf(step: StepRow, held: ReadonlySet<string>, view: MessageView): Link | undefined {
  if (step.spec.map) return undefined;
  const child = step.childId === "" ? undefined : view.task(step.childId);
  if (child) return linkOfChild(step, child, view);
  if (!step.spec.compensation) return undefined;
  if (step.state === "complete" || step.inDoubt) return { step, isUnsure: false, onlyWaits: false };
  return held.has(step.name) ? { step, isUnsure: true, onlyWaits: false } : undefined;
}

/** A child is compensated by what its Step names for that, otherwise by a Task that compensates the child's own Steps. */
function linkOfChild(step: StepRow, child: TaskRow, view: MessageView): Link | undefined {
  const link = { step, isUnsure: true, onlyWaits: false };
  const isLive = !isTerminal(child.state);
  const isComplete = child.state === "complete";
  if (step.spec.compensation) return isLive || isComplete || step.inDoubt ? link : undefined;
  if (isLive) return { ...link, onlyWaits: !canBeCompensated(child) };
  if (isComplete && child.compensatedBy === "") return canBeCompensated(child) ? link : undefined;
  return child.compensatedBy !== "" && liveTask(view, child.compensatedBy) ? link : undefined;
}

/**
 * By the instant of its end: what had not ended comes first, the last begun before the others. Of one millisecond, what has
 * failed came after what completed, and later members of a map after earlier ones.
 */
function lastFirst({ step: a }: Link, { step: b }: Link): number {
  return (
    endOf(b) - endOf(a) ||
    placeOf(b) - placeOf(a) ||
    b.startedAt - a.startedAt ||
    (b.spec.member?.index ?? 0) - (a.spec.member?.index ?? 0)
  );
}

/** Finite, so that two that have not completed compare as equal. */
function placeOf({ order }: StepRow): number {
  return order === 0 ? Number.MAX_SAFE_INTEGER : order;
}

function endOf({ state, finishedAt }: StepRow): number {
  const hasEnded = state === "complete" || state === "error" || state === "resolved_manually";
  return hasEnded ? finishedAt : Number.MAX_SAFE_INTEGER;
}

function chain(taskId: TaskId, links: readonly Link[], error: string): StepRow[] {
  return links.map(({ step, isUnsure }, index) => {
    const before = links[index - 1]?.step.name;
    const after = links[index + 1]?.step.name;
    return newStep({
      taskId,
      name: step.name,
      agentName: step.spec.compensation?.agentName ?? "",
      spec: specOf(step, index, isUnsure, error),
      dependsOn: before === undefined ? [] : [before],
      unsatisfied: before === undefined ? 0 : 1,
      dependants: after === undefined ? [] : [after],
    });
  });
}

/** A Step without a compensation of its own is a child whose Task is compensated by another Task, once. */
function specOf({ taskId, name, spec }: StepRow, index: number, isUnsure: boolean, error: string): StepSpec {
  const { compensation: plan } = spec;
  return {
    type: plan ? "standard" : "child_task",
    planned: plan?.name ?? name,
    config: plan?.config ?? null,
    ...(plan?.input && { input: plan.input }),
    retry: plan?.retry ?? DEFAULT_RETRY,
    maxAttempts: plan?.maxAttempts ?? 1,
    timeoutMs: plan?.timeoutMs ?? millis(0),
    ...(plan?.maxLosses !== undefined && { maxLosses: plan.maxLosses }),
    member: { group: "", index, concurrency: 1, failure: "isolate" },
    compensates: { taskId, stepName: name, error, ...(isUnsure && { isUnsure }) },
  };
}
