import type { Scope } from "../access/scopes.js";
import type { TaskId } from "../id.js";

/** What can be done with all Tasks of a filter, and the scope that the single action needs. */
export const bulkActions = {
  cancel: "tasks:cancel",
  retry: "tasks:retry",
  fork: "tasks:retry",
  reset: "steps:resolve",
  resolve: "steps:resolve",
} as const satisfies Record<string, Scope>;

export type BulkAction = keyof typeof bulkActions;

/** Tasks with which it was not done, for one reason. */
export interface BulkRefusal {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  /** The first of them. */
  readonly taskIds: readonly TaskId[];
}

/** What has come of a batch of Tasks. */
export interface BulkOutcome {
  readonly matched: number;
  readonly done: number;
  /** Done before by the same bulk action. */
  readonly already: number;
  readonly refusals: readonly BulkRefusal[];
  /** Empty after the last batch. */
  readonly nextPageToken: string;
}

/** The idempotency key of what a bulk action makes of a Task; of an empty id the beginning of all its keys. */
export function bulkKey(bulkId: string, taskId: TaskId | ""): string {
  return `bulk:${bulkId}:${taskId}`;
}
