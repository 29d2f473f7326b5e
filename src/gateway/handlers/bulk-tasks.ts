import { create } from "@bufbuild/protobuf";
import { UnknownWord } from "#api/validate";
import type { BulkOutcome } from "#domain/task/bulk";
import { bulkActionFromWire } from "#wire/convert-enums";
import {
  type BulkTasksRequest,
  type BulkTasksResponse,
  ListTasksRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { taskFilterInput } from "./task-filter.js";

/** An absent filter is one without any field. */
export function bulkInput({ action, filter = create(ListTasksRequestSchema), ...request }: BulkTasksRequest) {
  const unknown = `is ${action}; send CANCEL, RETRY, FORK, RESET or RESOLVE.`;
  return {
    ...request,
    filter: taskFilterInput(filter),
    action: bulkActionFromWire(action) ?? new UnknownWord(unknown),
  };
}

export function bulkAnswer({ refusals, ...outcome }: BulkOutcome): BulkTasksResponse {
  return {
    $typeName: "taskrun.v1.BulkTasksResponse",
    ...outcome,
    refusals: refusals.map(({ taskIds, ...refusal }) => ({
      $typeName: "taskrun.v1.BulkRefusal",
      ...refusal,
      taskIds: [...taskIds],
    })),
  };
}
