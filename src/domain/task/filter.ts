import { beginningAt } from "../id-time.js";
import { NO_PAUSES, type PauseSet } from "../pause/pause-set.js";
import type { TemplateRef } from "../template/template.js";
import type { Instant } from "../time/time.js";
import { carries } from "../worker/worker.js";
import { type Labels, type TaskRow, type TaskState, type TaskStatus, taskStatus } from "./task.js";
import { type TaskWaitingCause, taskWaitingCause } from "./waiting-reason.js";

/** Which Tasks are meant; every given field must match. */
export interface TaskFilter {
  readonly namespaces: readonly string[] | "*";
  readonly status?: TaskStatus;
  /** One of these. */
  readonly states?: readonly TaskState[];
  readonly agentName?: string;
  /** An empty namespace is any, and so is an empty version. */
  readonly template?: TemplateRef;
  readonly labels?: Labels;
  /** Only Tasks whose id begins so. No other Task is examined. */
  readonly idPrefix?: string;
  /** Only Tasks created at this instant or later, by the time in their ids. No other Task is examined. */
  readonly createdAfter?: Instant;
  /** Only Tasks created before this instant, likewise. */
  readonly createdBefore?: Instant;
  /** Only children of this Task. */
  readonly parentTaskId?: string;
  readonly correlationId?: string;
  readonly createdBy?: string;
  /** Only Tasks that wait for this; `*` for those that wait for anything. */
  readonly waiting?: TaskWaitingCause | "*";
  /** What is paused, for `waiting`: Tasks of these wait for the end of a pause, and not for a worker. Default: nothing. */
  readonly pauses?: PauseSet;
}

/** True if the filter means this Task. */
export function selects(filter: TaskFilter, task: TaskRow): boolean {
  return (
    (filter.namespaces === "*" || filter.namespaces.includes(task.namespace)) &&
    isInRange(filter, task.id) &&
    isInState(filter, task) &&
    fitsSpec(filter, task)
  );
}

function isInRange({ idPrefix = "", createdAfter, createdBefore }: TaskFilter, id: string): boolean {
  return (
    id.startsWith(idPrefix) &&
    (createdAfter === undefined || id >= beginningAt(createdAfter)) &&
    (createdBefore === undefined || id < beginningAt(createdBefore))
  );
}

function isInState({ status, states, waiting, pauses = NO_PAUSES }: TaskFilter, task: TaskRow): boolean {
  if (status !== undefined && taskStatus(task) !== status) return false;
  if (states !== undefined && !states.includes(task.state)) return false;
  if (waiting === undefined) return true;
  const cause = taskWaitingCause(task, pauses);
  return waiting === "*" ? cause !== undefined : cause === waiting;
}

function fitsSpec(filter: TaskFilter, { spec }: TaskRow): boolean {
  const { agentName, labels, parentTaskId, correlationId, createdBy, template } = filter;
  return (
    (agentName === undefined || spec.agentName === agentName) &&
    (labels === undefined || carries(spec.labels, labels)) &&
    (parentTaskId === undefined || spec.parent?.taskId === parentTaskId) &&
    (correlationId === undefined || spec.correlationId === correlationId) &&
    (createdBy === undefined || spec.createdBy === createdBy) &&
    (template === undefined || isOf(spec.template, template))
  );
}

function isOf(made: TemplateRef | null, { namespace, name, version }: TemplateRef): boolean {
  return (
    made !== null &&
    made.name === name &&
    (namespace === "" || made.namespace === namespace) &&
    (version === "" || made.version === version)
  );
}
