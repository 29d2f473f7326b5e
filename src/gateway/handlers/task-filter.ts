import { UnknownWord } from "#api/validate";
import { taskStateFromWire, taskStatusFromWire } from "#wire/convert-enums";
import type { ListTasksRequest } from "#wire/gen/taskrun/v1/task_service_pb";

/** The fields of a request that say which Tasks are meant, as `api/tasks/task-filter.ts` checks them. */
export function taskFilterInput<Request extends Pick<ListTasksRequest, "statusFilter" | "states">>(
  request: Request,
) {
  const { statusFilter: number } = request;
  const status =
    taskStatusFromWire(number) ?? new UnknownWord(`is ${number}, which is no TaskStatus: send 0 for any.`);
  const states = request.states.map(
    (state) => taskStateFromWire(state) ?? new UnknownWord(`is ${state}, which is no TaskState.`),
  );
  return { ...request, statusFilter: number === 0 ? undefined : status, states };
}
