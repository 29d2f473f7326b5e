import { create } from "@bufbuild/protobuf";
import { cancelTask } from "#api/tasks/cancel-task";
import { createTask } from "#api/tasks/create-task";
import { run } from "#api/use-case";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import {
  type CancelTaskRequest,
  CancelTaskResponseSchema,
  type CreateTaskRequest,
  CreateTaskResponseSchema,
  GetTaskContextResponseSchema,
  type GetTaskRequest,
  GetTaskResponseSchema,
  type Task,
  TaskService,
} from "#wire/gen/tasker/v1/tasks_pb";
import { type Call, composed, serverStreaming } from "../../rpc.js";
import { namedAsSent, newTaskNames } from "../shapes/field-names.js";
import { newTaskFields } from "../shapes/new-task-input.js";
import { stepShapes } from "../shapes/step-shape.js";
import { taskShape } from "../shapes/task-shape.js";
import { asInvalid } from "./faults.js";
import { uuidIn } from "./fields.js";
import { stepToWire, taskToWire } from "./messages.js";
import { StructRoom } from "./struct-room.js";
import { textOfStruct } from "./structs.js";
import { listTasks } from "./task-list.js";
import { contextParts, taskOf, wholeContext } from "./task-parts.js";
import { taskStatusUpdates } from "./task-status.js";
import { getTaskSummary } from "./task-summary.js";

const { method } = TaskService;
const { messageBytes, pageBytes } = limits;

/** The TaskService of Tasker. */
export const taskService = [
  // What it has created must not appear as refused for lack of room.
  composed(method.createTask, 0, createOne),
  composed(method.getTask, messageBytes, getOne),
  composed(method.listTasks, 2 * pageBytes, listTasks),
  composed(method.cancelTask, 0, cancelOne),
  composed(method.getTaskContext, messageBytes, async (request, call) =>
    create(GetTaskContextResponseSchema, { context: wholeContext(await taskOf(request, call)) }),
  ),
  composed(method.getTaskSummary, messageBytes, getTaskSummary),
  serverStreaming(method.streamTaskStatus, taskStatusUpdates),
];

async function createOne(request: CreateTaskRequest, call: Call) {
  const { name, namespace, version, context } = request;
  const fields = newTaskFields({
    ...{ name, namespace, version },
    context: textOfStruct("context", context),
    initiator: request.initiator ?? "",
    sourceSystem: request.sourceSystem ?? "",
    reason: request.reason ?? "",
    tags: [...new Set(request.tags)],
    priority: request.priority ?? 0,
    correlationId: request.correlationId ?? "",
    parentCorrelationId: request.parentCorrelationId ?? "",
    requestedAt: "",
    idempotencyKey: "",
  });
  const view = await namedAsSent(run(createTask, fields, call), newTaskNames);
  // Who is to wait gets no Task, but UNAVAILABLE with the delay.
  return create(CreateTaskResponseSchema, { task: changedTask(view), backpressure: { active: false } });
}

async function cancelOne({ taskUuid, reason = "" }: CancelTaskRequest, call: Call) {
  const id = uuidIn("task_uuid", taskUuid);
  const view = await run(cancelTask, { id, reason }, call).catch((error: unknown) => {
    throw asInvalid("task_uuid", error);
  });
  const message = `Task ${id} is cancelled.`;
  return create(CancelTaskResponseSchema, { task: changedTask(view), success: true, message });
}

/** A Task in the answer to what has changed it, which must not appear as refused because its context is large. */
function changedTask(view: TaskView): Task {
  return taskToWire(taskShape(view), new StructRoom());
}

async function getOne({ includeSteps, includeContext, ...request }: GetTaskRequest, call: Call) {
  const view = await taskOf(request, call);
  const room = new StructRoom();
  const shapes = includeSteps ? stepShapes(view, call.services.plane.now()) : [];
  return create(GetTaskResponseSchema, {
    task: taskToWire(taskShape(view), room),
    steps: shapes.map((step) => stepToWire(step, room)),
    context: includeContext ? contextParts(view, room) : undefined,
  });
}
