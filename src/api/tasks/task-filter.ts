import { z } from "zod";
import { ID_TIME_MAX, timeOf } from "#domain/id-time";
import { nearest } from "#domain/nearest";
import type { PauseSet } from "#domain/pause/pause-set";
import type { TaskFilter } from "#domain/task/filter";
import { rowsOf, type TaskState, taskStates, taskStatuses } from "#domain/task/task";
import { statesWaiting, type TaskWaitingCause, waitingCauses } from "#domain/task/waiting-reason";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { templateRef } from "../fields.js";
import { atMost, labels, oneOf, optionalName, wholeNumber } from "../validate.js";

const inIds = wholeNumber(ID_TIME_MAX, "Unix milliseconds, where 0 means any").transform(instant);

/** What a Task can be said to wait for in a list: all else is of its Steps. */
const taskCauses = Object.keys(statesWaiting) as readonly TaskWaitingCause[];
const ANY_CAUSE: ReadonlySet<string> = new Set(["*", "ANY"]);

const waiting = optionalName.transform((text, context): TaskFilter["waiting"] => {
  const word = text.toUpperCase();
  if (word === "") return undefined;
  if (ANY_CAUSE.has(word)) return "*";
  const known = taskCauses.find((cause) => cause === word);
  if (known !== undefined) return known;
  context.addIssue({ code: "custom", message: wrongCause(text, word) });
  return z.NEVER;
});

function wrongCause(text: string, word: string): string {
  const these = `send one of ${taskCauses.join(", ")}, or * for all that wait.`;
  if (waitingCauses.some((cause) => cause === word)) {
    return `is ${word}, for which Steps wait and no Task as a whole: ${these} ExplainTask tells of a Task's Steps.`;
  }
  const near = nearest(word, taskCauses);
  const meant = near === undefined ? "" : `, which may be a slip of ${near}`;
  return `is "${text.slice(0, 64)}"${meant}; ${these}`;
}

const fields = {
  statusFilter: oneOf(taskStatuses).optional(),
  states: atMost(limits.filterStates, oneOf(taskStates)),
  agentFilter: optionalName,
  template: templateRef.optional(),
  labels,
  idPrefix: optionalName,
  createdAfterMs: inIds,
  createdBeforeMs: inIds,
  parentTaskId: optionalName,
  correlationId: optionalName,
  createdBy: optionalName,
  waiting,
};

/** The part of a request that says which Tasks are meant, of every request that takes one. */
export const taskFilterFields = fields;
type Asked = z.output<z.ZodObject<typeof fields>>;

/** Refuses, by field, what no Task can fit. For `superRefine` of a schema that has {@link taskFilterFields}. */
export function refuseEmptyFilter(asked: Asked, context: z.RefinementCtx): void {
  const problems = {
    createdBeforeMs: rangeProblem(asked),
    states: statesProblem(asked),
    waiting: waitingProblem(asked),
  } satisfies Partial<Record<keyof Asked, string | undefined>>;
  for (const [field, message] of Object.entries(problems)) {
    if (message !== undefined) context.addIssue({ code: "custom", path: [field], message });
  }
}

function rangeProblem({ createdAfterMs, createdBeforeMs }: Asked): string | undefined {
  if (createdBeforeMs === 0 || createdBeforeMs > createdAfterMs) return undefined;
  return `is ${createdBeforeMs}, which is not later than created_after_ms, ${createdAfterMs}: send a later instant, or leave one out.`;
}

function statesProblem(asked: Asked): string | undefined {
  if (asked.states.length === 0 || possibleStates(asked).length > 0) return undefined;
  return `has no state of the status ${asked.statusFilter}: send one of it, or no status.`;
}

function waitingProblem(asked: Asked): string | undefined {
  const { waiting, states, statusFilter } = asked;
  const possible = possibleStates(asked);
  if (waiting === undefined || possible.length === 0) return undefined;
  const mayWait = new Set<TaskState>(
    waiting === "*" ? Object.values(statesWaiting).flat() : statesWaiting[waiting],
  );
  if (possible.some((state) => mayWait.has(state))) return undefined;
  const what = states.length > 0 ? "in the given states" : `of the status ${statusFilter}`;
  return `is ${waiting}, and no Task ${what} waits for that: leave one of the two out.`;
}

/** The states that both the states and the status allow. */
function possibleStates({ statusFilter, states }: Asked): readonly TaskState[] {
  const ofStatus = statusFilter && new Set(rowsOf(statusFilter).map(({ state }) => state));
  const wanted = states.length > 0 ? states : taskStates;
  return wanted.filter((state) => !ofStatus || ofStatus.has(state));
}

/**
 * The filter of the store, of a request that was checked by {@link taskFilterFields}.
 *
 * @param pauses what is paused now
 */
export function taskFilterOf(
  asked: Asked,
  namespaces: TaskFilter["namespaces"],
  pauses: PauseSet,
): TaskFilter {
  const { statusFilter, states, agentFilter, template, idPrefix, waiting } = asked;
  const { createdBeforeMs, parentTaskId, correlationId, createdBy } = asked;
  const createdAfter = latest(asked.createdAfterMs, firstChildAt(parentTaskId));
  return {
    namespaces,
    ...(statusFilter && { status: statusFilter }),
    ...(states.length > 0 && { states }),
    ...(agentFilter !== "" && { agentName: agentFilter }),
    ...(template && { template }),
    ...(Object.keys(asked.labels).length > 0 && { labels: asked.labels }),
    ...(idPrefix !== "" && { idPrefix }),
    ...(createdAfter > 0 && { createdAfter }),
    ...(createdBeforeMs > 0 && { createdBefore: createdBeforeMs }),
    ...(parentTaskId !== "" && { parentTaskId }),
    ...(correlationId !== "" && { correlationId }),
    ...(createdBy !== "" && { createdBy }),
    ...(waiting && { waiting, ...(!pauses.isEmpty && { pauses }) }),
  };
}

/** No child is older than its parent, so that no older Task has to be looked at. Two nodes' clocks may differ. */
function firstChildAt(parentTaskId: string): Instant {
  const at = timeOf(parentTaskId);
  return instant(at === undefined ? 0 : Math.max(0, at - limits.childIdSkew));
}

function latest(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}
