import type { TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import type { TaskFilter } from "#domain/task/filter";
import { type TaskState, taskStates } from "#domain/task/task";
import { statesWaiting } from "#domain/task/waiting-reason";

/**
 * What SQL looks for of a filter, so that no more rows than these have to be decoded. Each may let more rows pass than the filter
 * means: what was read is checked once more, by `selects` of `domain/task/filter.ts`.
 */

/**
 * Bounds of the ids, which lie together in the index.
 *
 * @param before as `Reads.tasks` takes it
 */
export function idBounds(
  { idPrefix, createdAfter, createdBefore }: TaskFilter,
  before: TaskId | undefined,
): {
  /** No id is below it. */
  readonly from: string | undefined;
  /** All ids are below it. */
  readonly below: string | undefined;
} {
  const froms = [idPrefix, createdAfter && beginningAt(createdAfter)];
  const belows = [before, idPrefix && `${idPrefix}\u{10ffff}`, createdBefore && beginningAt(createdBefore)];
  return { from: given(froms).at(-1), below: given(belows)[0] };
}

/** Those that are given, in order. */
function given(bounds: readonly (string | number | undefined)[]): string[] {
  return bounds.filter((bound) => typeof bound === "string" && bound !== "").sort() as string[];
}

/** The states that a row may have; undefined for any. */
export function wantedStates({ states, waiting }: TaskFilter): readonly TaskState[] | undefined {
  if (waiting === undefined) return states;
  const waitingIn: ReadonlySet<TaskState> = new Set(
    waiting === "*" ? Object.values(statesWaiting).flat() : statesWaiting[waiting],
  );
  return (states ?? taskStates).filter((state) => waitingIn.has(state));
}

/**
 * Texts that occur in the spec's JSON as `JSON.stringify` writes it: single members, since no member's place is fixed. Cheaper than
 * to have the database read the JSON, and nothing in it can be a text that the database refuses.
 */
export function specTexts({
  template,
  parentTaskId,
  correlationId,
  createdBy,
}: TaskFilter): readonly string[] {
  const { namespace = "", name, version = "" } = template ?? {};
  const members = {
    correlationId,
    createdBy,
    taskId: parentTaskId,
    name,
    namespace: namespace || undefined,
    version: version || undefined,
  };
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([member, value]) => `${JSON.stringify(member)}:${JSON.stringify(value)}`);
}
