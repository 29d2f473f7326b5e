import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { TaskDraft } from "#domain/task";
import type { Receipt } from "#ports/plane";
import { runToWire, stepToWire, taskToWire } from "#wire/convert-task";
import { retryAfterOf, statusCodes, statusOf } from "#wire/faults";
import type {
  BatchCreateTasksResponse,
  CreateTaskError,
  CreateTaskResult,
  Task,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { draftAgain, draftOf } from "../draft.js";
import { findTask } from "../lookup.js";
import type { AnswerChannel, Call } from "../rpc.js";
import { type CheckedTask, createTask as createTaskSchema } from "../schemas.js";
import { sizeOfStep, wholeTask } from "../task-answer.js";
import { checked, fieldPath } from "../validate.js";

/** The rpcs that make Tasks: one, many, or one again. */
export async function createTask(request: CheckedTask, call: Call, channel: AnswerChannel): Promise<Task> {
  return submitOne(await draftOf(request, call), call, channel);
}

export async function retryTask(
  { id, idempotencyKey }: { readonly id: TaskId; readonly idempotencyKey: string },
  call: Call,
  channel: AnswerChannel,
): Promise<Task> {
  await channel.reserve(limits.messageBytes);
  const detail = await findTask(call.plane, call.caller, id);
  return submitOne(await draftAgain(detail, idempotencyKey, call), call);
}

/** @param channel left out if there is room for the answer already */
async function submitOne(draft: TaskDraft, { plane, caller }: Call, channel?: AnswerChannel): Promise<Task> {
  const [receipt] = await plane.submit(caller, [draft]);
  if (receipt === undefined) throw noAnswer();
  if (receipt instanceof Fault) throw receipt;

  // A new Task is all in its receipt; only one that was there before has more to show.
  const fresh = freshTask(receipt, draft);
  if (fresh) return fresh;
  await channel?.reserve(limits.messageBytes);
  const detail = await plane.reads.task(receipt.task.id);
  return detail ? wholeTask(plane.reads, detail) : taskToWire(receipt.task, { input: draft.input });
}

/** The Task as its first commit left it, or undefined if it was not made by this request. */
function freshTask({ task, steps, runs }: Receipt, { id, input }: TaskDraft): Task | undefined {
  if (task.id !== id) return undefined;
  return taskToWire(task, { input, steps: steps.map((step) => stepToWire(step)), runs: runs.map(runToWire) });
}

function noAnswer(): Fault {
  return new Fault("internal", "the plane gave no answer for the Task");
}

export async function batchCreateTasks(
  { tasks }: { readonly tasks: readonly unknown[] },
  call: Call,
): Promise<BatchCreateTasksResponse> {
  const drafts: (TaskDraft | Fault)[] = [];
  let steps = 0;
  for (const [i, request] of tasks.entries()) {
    const draft = await draftOrFault(request, i, steps, call);
    drafts.push(draft);
    if (!(draft instanceof Fault)) steps += stepsOf(draft);
  }
  const good = drafts.filter((draft): draft is TaskDraft => !(draft instanceof Fault));
  const created = good.length > 0 ? await call.plane.submit(call.caller, good) : [];

  const answers = created[Symbol.iterator]();
  const room = { bytes: limits.pageBytes };
  const results = drafts.map((draft) => {
    if (draft instanceof Fault) return refused(draft);
    const answer = answers.next().value ?? noAnswer();
    return answer instanceof Fault ? refused(answer) : made(answer, draft, room);
  });
  return { $typeName: "taskrun.v1.BatchCreateTasksResponse", results };
}

/** @param before Steps that the requests before it make */
async function draftOrFault(
  request: unknown,
  index: number,
  before: number,
  call: Call,
): Promise<TaskDraft | Fault> {
  const path = fieldPath(["tasks", index]);
  try {
    const draft = await draftOf(checked(createTaskSchema, request), call);
    const all = before + stepsOf(draft);
    if (all <= limits.batchSteps) return draft;
    const message = `${path} brings the batch to ${all} Steps; the limit is ${limits.batchSteps}: send it in another batch.`;
    return new Fault("invalid", message, { field: path, reason: "BATCH_TOO_LARGE" });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { field } = error.details;
    return new Fault(error.code, `${path}.${error.message}`, {
      ...error.details,
      ...(field !== undefined && { field: `${path}.${field}` }),
    });
  }
}

/** All that its template may make of it: branches that are not taken count too. */
function stepsOf({ plan }: TaskDraft): number {
  return plan?.steps.length ?? 1;
}

/** A whole batch must fit in one message: past a limit the Tasks come back without their inputs and Steps. */
function made(receipt: Receipt, draft: TaskDraft, room: { bytes: number }): CreateTaskResult {
  room.bytes -= receipt.steps.reduce((sum, step) => sum + sizeOfStep(step), Buffer.byteLength(draft.input));
  const fresh = room.bytes < 0 ? undefined : freshTask(receipt, draft);
  const value = fresh ?? taskToWire(receipt.task, { input: room.bytes < 0 ? "" : draft.input });
  return { $typeName: "taskrun.v1.CreateTaskResult", result: { case: "task", value } };
}

function refused(fault: Fault): CreateTaskResult {
  const value: CreateTaskError = {
    $typeName: "taskrun.v1.CreateTaskError",
    code: statusCodes[statusOf(fault)],
    message: fault.message,
    reason: fault.reason,
    retryAfterMs: BigInt(retryAfterOf(fault)),
  };
  return { $typeName: "taskrun.v1.CreateTaskResult", result: { case: "error", value } };
}
