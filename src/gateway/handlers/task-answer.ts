import type { TaskView } from "#domain/task/view";
import { taskViewToWire } from "#wire/convert-task";
import type { Task } from "#wire/gen/taskrun/v1/task_service_pb";
import { type Call, momentOf } from "../rpc.js";

/** A Task as the answer of an rpc: what it waits for follows from the moment of the answer. */
export function taskAnswer(view: TaskView, call: Call): Task {
  return taskViewToWire(view, momentOf(call));
}
