import type { z } from "zod";
import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { LogEntry } from "#domain/log";
import type { ResolveAction } from "#domain/step";
import { isTerminal } from "#domain/task";
import type { Plane, Receipt } from "#ports/plane";
import { taskEvent } from "#wire/convert-event";
import { taskToWire } from "#wire/convert-task";
import type { GetStepResultResponse } from "#wire/gen/taskrun/v1/common_pb";
import {
  type ListTasksResponse,
  type Task,
  type TaskEvent,
  TaskService,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { findTask } from "../lookup.js";
import { toPageToken } from "../page-token.js";
import { type AnswerChannel, type Call, reading, type StreamCall, serverStreaming, unary } from "../rpc.js";
import * as schemas from "../schemas.js";
import { endOf, RESULT_READ_BYTES, sizeOf, wholeTask } from "../task-answer.js";
import { batchCreateTasks, createTask, retryTask } from "./task-create.js";

/** What clients do with Tasks. */
export const taskService = [
  unary(TaskService.method.createTask, schemas.createTask, createTask),
  unary(TaskService.method.batchCreateTasks, schemas.batchCreateTasks, batchCreateTasks),
  unary(TaskService.method.retryTask, schemas.retryTask, retryTask),
  reading(TaskService.method.getTask, schemas.getTask, limits.messageBytes, getTask),
  reading(TaskService.method.listTasks, schemas.listTasks, limits.pageBytes, listTasks),
  unary(TaskService.method.cancelTask, schemas.cancelTask, cancelTask),
  unary(TaskService.method.signalTask, schemas.signalTask, signalTask),
  unary(TaskService.method.resolveStep, schemas.resolveStep, resolveStep),
  reading(TaskService.method.getStepResult, schemas.getStepResult, RESULT_READ_BYTES, getStepResult),
  serverStreaming(TaskService.method.watchTask, schemas.watchTask, watchTask),
];

async function getTask({ id }: { readonly id: TaskId }, { plane, caller }: Call): Promise<Task> {
  return wholeTask(plane.reads, await findTask(plane, caller, id));
}

async function listTasks(
  request: z.output<typeof schemas.listTasks>,
  { plane, caller }: Call,
): Promise<ListTasksResponse> {
  const { namespace, statusFilter, agentFilter, labels, pageToken, pageSize } = request;
  const answer: ListTasksResponse = {
    $typeName: "taskrun.v1.ListTasksResponse",
    tasks: [],
    nextPageToken: "",
  };
  if (namespace !== "" && !mayUse(caller, namespace)) return answer;

  const filter = {
    namespaces: namespace === "" ? caller.namespaces : [namespace],
    ...(statusFilter && { status: statusFilter }),
    ...(agentFilter !== "" && { agentName: agentFilter }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
  const page = await plane.reads.tasks(filter, pageToken, pageSize);
  let room: number = limits.pageBytes;
  for (const task of page.tasks) {
    room -= sizeOf(task);
    const last = answer.tasks.at(-1);
    if (room < 0 && last) return { ...answer, nextPageToken: toPageToken(last.id as TaskId) };
    answer.tasks.push(taskToWire(task));
  }
  return page.next === undefined ? answer : { ...answer, nextPageToken: toPageToken(page.next) };
}

async function cancelTask(
  { id, reason }: { readonly id: TaskId; readonly reason: string },
  { plane, caller }: Call,
  channel: AnswerChannel,
): Promise<Task> {
  return afterwards(await plane.cancel(caller, id, reason), plane, channel);
}

async function signalTask(
  { id, signal, payloadJson }: z.output<typeof schemas.signalTask>,
  { plane, caller }: Call,
  channel: AnswerChannel,
): Promise<Task> {
  return afterwards(await plane.signal(caller, id, signal, payloadJson), plane, channel);
}

async function resolveStep(
  { taskId, stepName, action, resultJson }: z.output<typeof schemas.resolveStep>,
  { plane, caller }: Call,
  channel: AnswerChannel,
): Promise<Task> {
  const decision: ResolveAction =
    action === "complete" ? { type: action, output: resultJson } : { type: action };
  return afterwards(await plane.resolve(caller, taskId, stepName, decision), plane, channel);
}

/**
 * The whole Task after a change, or what the change itself tells if the Task has been removed since, or if there is
 * no room for more: what is done must not look refused.
 */
async function afterwards({ task }: Receipt, { reads }: Plane, channel: AnswerChannel): Promise<Task> {
  try {
    await channel.reserve(limits.messageBytes);
  } catch {
    return taskToWire(task);
  }
  const detail = await reads.task(task.id);
  return detail ? wholeTask(reads, detail) : taskToWire(task);
}

async function getStepResult(
  { taskId, stepName }: { readonly taskId: TaskId; readonly stepName: string },
  { plane, caller }: Call,
): Promise<GetStepResultResponse> {
  const { steps } = await findTask(plane, caller, taskId);
  const step = steps.find(({ name }) => name === stepName);
  if (!step) {
    const known = steps.map(({ name }) => `"${name}"`).join(", ");
    const message = `Step "${stepName}" not found in Task ${taskId}; its Steps are ${known}.`;
    throw new Fault("not_found", message, { reason: "STEP_NOT_FOUND" });
  }
  const outputJson = step.outputBytes === 0 ? "" : await plane.reads.output({ taskId, stepName });
  if (outputJson === undefined || outputJson === "") {
    const message = `Step "${stepName}" of Task ${taskId} has no result: it is ${step.state}.`;
    throw new Fault("wrong_state", message, { reason: "NO_RESULT", metadata: { state: step.state } });
  }
  const outputBytes = BigInt(Buffer.byteLength(outputJson));
  return { $typeName: "taskrun.v1.GetStepResultResponse", outputJson, outputBytes };
}

async function* watchTask(
  { id, afterSeq }: { readonly id: TaskId; readonly afterSeq: number },
  { plane, caller, signal, keep }: StreamCall,
): AsyncIterable<TaskEvent> {
  const { task } = await findTask(plane, caller, id);
  for await (const { firstSeq, entries } of plane.watch(caller, id, afterSeq, signal)) {
    const kept = textsOf(entries);
    if (kept > limits.watchUncountedBytes) keep(kept);
    for (const [i, entry] of entries.entries()) {
      const ended = entry.type === "task" && isTerminal(entry.state);
      const { task: shown, output } = ended ? await endOf(plane.reads, task) : { task, output: "" };
      yield taskEvent(shown, firstSeq + i, entry, output);
    }
    if (kept > limits.watchUncountedBytes) keep(0);
  }
}

/** Characters of output and chat in a slice: most of what it takes, if it takes much. */
function textsOf(entries: readonly LogEntry[]): number {
  let length = 0;
  for (const entry of entries) if ("content" in entry) length += entry.content.length;
  return length;
}
