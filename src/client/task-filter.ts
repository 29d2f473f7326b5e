import type { MessageInitShape } from "@bufbuild/protobuf";
import { taskStateToWire, taskStatusToWire } from "#wire/convert-enums";
import type { ListTasksRequest, ListTasksRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { instantOf, objectOf, oneOf, wrongArgument } from "./request.js";
import type { TaskFilter } from "./task-requests.js";

/** The fields of {@link ListTasksRequest} that say which Tasks are meant. */
type FilterFields = Omit<
  MessageInitShape<typeof ListTasksRequestSchema>,
  "$typeName" | "limit" | "pageSize" | "pageToken"
>;

/**
 * A filter as requests carry it that take one.
 *
 * @param namespace of a filter that names none
 * @throws {TaskRunError} `INVALID_ARGUMENT` if a value cannot be converted
 */
export function filterFieldsOf(filter: Partial<TaskFilter>, namespace: string): FilterFields {
  return {
    statusFilter: filter.status === undefined ? 0 : oneOf(taskStatusToWire, filter.status, "status_filter"),
    states: statesOf(filter.states),
    agentFilter: filter.agent ?? "",
    ...(filter.template !== undefined && { template: templateOf(filter.template) }),
    namespace: filter.namespace ?? namespace,
    labels: filter.labels ?? {},
    idPrefix: filter.idPrefix ?? "",
    createdAfterMs: instantOf(filter.createdAfterMs, "created_after_ms"),
    createdBeforeMs: instantOf(filter.createdBeforeMs, "created_before_ms"),
    parentTaskId: filter.parentTaskId ?? "",
    correlationId: filter.correlationId ?? "",
    createdBy: filter.createdBy ?? "",
    waiting: filter.waiting ?? "",
  };
}

function statesOf(states: TaskFilter["states"]): ListTasksRequest["states"] {
  if (states === undefined) return [];
  if (!Array.isArray(states)) throw wrongArgument("states", "is no array of states.");
  return states.map((state, i) => oneOf(taskStateToWire, state, `states[${i}]`));
}

function templateOf(template: NonNullable<TaskFilter["template"]>) {
  const { namespace = "", name = "", version = "" } = objectOf(template, "template");
  return { namespace, name, version };
}
