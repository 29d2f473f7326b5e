import {
  type CreateTaskResult,
  ForkTaskRequestSchema,
  type ListTasksRequest,
  ListTasksRequestSchema,
  ResolveAction,
  type ResolveStepRequest,
  ResolveStepRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { keyOr } from "./call.js";
import { toTask } from "./convert.js";
import { jsonTextOf } from "./create-request.js";
import { codeName, TaskRunError } from "./error.js";
import { oneOf, optionsOf, requestOf } from "./request.js";
import { filterFieldsOf } from "./task-filter.js";
import type { Created, ForkOptions, Resolution, TaskFilter } from "./task-requests.js";
import { forkNames, taskFilterNames } from "./task-requests.js";

/**
 * The message that asks for one page of a list.
 *
 * @param namespace of a filter that names none
 * @throws {TaskRunError} `INVALID_ARGUMENT` if a value cannot be converted
 */
export function listRequestOf(
  selected: TaskFilter & { readonly pageToken?: string },
  namespace: string,
): ListTasksRequest {
  const filter = optionsOf(selected, "filter", [...taskFilterNames, "pageToken"]);
  return requestOf(ListTasksRequestSchema, {
    ...filterFieldsOf(filter, namespace),
    pageSize: filter.pageSize ?? 0,
    pageToken: filter.pageToken ?? "",
  });
}

const resolveActions = {
  retry: ResolveAction.RESET_FOR_RETRY,
  resolve: ResolveAction.RESOLVE_MANUALLY,
  complete: ResolveAction.COMPLETE_MANUALLY,
} as const satisfies Record<Resolution["action"], ResolveAction>;

/**
 * The message that resolves a Step by hand.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT` if there is no such action, or the result has no JSON form
 */
export function resolveRequestOf(
  taskId: string,
  stepName: string,
  resolution: Resolution,
): ResolveStepRequest {
  const action = oneOf(resolveActions, resolution?.action, "action");
  const resultJson = resolution.action === "complete" ? jsonTextOf(resolution, "result", "result_json") : "";
  const { reason = "", journalEntry = 0 } = resolution;
  return requestOf(ResolveStepRequestSchema, { taskId, stepName, action, resultJson, reason, journalEntry });
}

/** The message that goes on from an ended Task. @throws {TaskRunError} `INVALID_ARGUMENT` if there is no such option */
export function forkRequestOf(id: string, options: ForkOptions) {
  const chosen = optionsOf(options, "options", forkNames);
  const { from = "", input, inputJson, idempotencyKey, reason = "", ...control } = chosen;
  const json =
    input === undefined && inputJson === undefined ? "" : jsonTextOf(options, "input", "input_json");
  const fields = { id, from, inputJson: json, reason, idempotencyKey: keyOr(idempotencyKey) };
  return { request: requestOf(ForkTaskRequestSchema, fields), control };
}

/** What became of one request of a batch. */
export function createdOf({ result }: CreateTaskResult, idempotencyKey = ""): Created {
  if (result.case === "task") return { ok: true, task: toTask(result.value) };
  const { code = 2, message = "no answer", reason = "", retryAfterMs = 0n } = result.value ?? {};
  const details = { reason, retryAfterMs: Number(retryAfterMs), idempotencyKey };
  return { ok: false, error: new TaskRunError(codeName(code), message, details) };
}
