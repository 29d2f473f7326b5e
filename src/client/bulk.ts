import { bulkActionToWire } from "#wire/convert-enums";
import {
  type BulkTasksRequest,
  BulkTasksRequestSchema,
  type BulkTasksResponse,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { namesOf } from "./option-names.js";
import { oneOf, optionsOf, requestOf } from "./request.js";
import { filterFieldsOf } from "./task-filter.js";
import { type TaskFilter, taskFilterNames } from "./task-requests.js";

/**
 * What to do with all Tasks of a filter; see {@link Tasks.bulk}.
 *
 * @example
 * ```ts
 * import { type BulkRequest, createClient } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * const request: BulkRequest = { action: "cancel", bulkId: crypto.randomUUID(), filter: { agent: "crawl" } };
 * let pageToken = "";
 * do {
 *   const batch = await tasks.bulk({ ...request, pageToken });
 *   console.log(`${batch.done} cancelled`);
 *   pageToken = batch.nextPageToken;
 * } while (pageToken !== "");
 * ```
 */
export interface BulkRequest {
  /** `reset` and `resolve` concern the Steps that hold a Task because they have failed for good. */
  readonly action: "cancel" | "retry" | "fork" | "reset" | "resolve";
  /** Default: all Tasks of the client's namespace. */
  readonly filter?: TaskFilter;
  /** Counts what would be done, and does nothing. */
  readonly dryRun?: boolean;
  /** The same for all batches, so that no Task is dealt with twice. Required, except for a dry run. */
  readonly bulkId?: string;
  /** Where to go on: `nextPageToken` of the batch before. */
  readonly pageToken?: string;
  /** Tasks of one call, at most 200, which is the default. */
  readonly maxTasks?: number;
  /** Why, for people. */
  readonly reason?: string;
}

const bulkNames = namesOf<BulkRequest>({
  action: true,
  filter: true,
  dryRun: true,
  bulkId: true,
  pageToken: true,
  maxTasks: true,
  reason: true,
});

/**
 * What has come of one batch.
 *
 * @example
 * ```ts
 * import { type BulkBatch, createClient } from "taskrun/client";
 *
 * const batch: BulkBatch = await createClient().tasks.bulk({ action: "retry", dryRun: true });
 * for (const { reason, count, taskIds } of batch.refusals) console.log(reason, count, taskIds);
 * ```
 */
export interface BulkBatch {
  /** Tasks that fit the filter. */
  readonly matched: number;
  /** Of these, those with which it was done now; in a dry run, with which it would be. */
  readonly done: number;
  /** Those with which the same bulk action had done it before. */
  readonly already: number;
  /** Why it was not done with the others. */
  readonly refusals: readonly {
    readonly reason: string;
    /** Of the first of them. */
    readonly message: string;
    readonly count: number;
    /** The first of them, at most 5. */
    readonly taskIds: readonly string[];
  }[];
  /** Pass it as `pageToken` for the next batch; empty after the last. */
  readonly nextPageToken: string;
}

/**
 * The message that asks for one batch.
 *
 * @param namespace of a filter that names none
 * @throws {TaskRunError} `INVALID_ARGUMENT` if a value cannot be converted
 */
export function bulkRequestOf(given: BulkRequest, namespace: string): BulkTasksRequest {
  const request = optionsOf(given, "request", bulkNames);
  const filter = optionsOf(request.filter ?? {}, "filter", taskFilterNames);
  return requestOf(BulkTasksRequestSchema, {
    filter: filterFieldsOf(filter, namespace),
    action: oneOf(bulkActionToWire, given?.action, "action"),
    dryRun: request.dryRun ?? false,
    bulkId: request.bulkId ?? "",
    pageToken: request.pageToken ?? "",
    maxTasks: request.maxTasks ?? 0,
    reason: request.reason ?? "",
  });
}

export function toBulkBatch({ $typeName, $unknown, refusals, ...batch }: BulkTasksResponse): BulkBatch {
  return {
    ...batch,
    refusals: refusals.map(({ reason, message, count, taskIds }) => ({ reason, message, count, taskIds })),
  };
}
