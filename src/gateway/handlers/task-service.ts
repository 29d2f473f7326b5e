import { create } from "@bufbuild/protobuf";
import { bulkTasks } from "#api/tasks/bulk-tasks";
import { cancelTask } from "#api/tasks/cancel-task";
import { createTask } from "#api/tasks/create-task";
import { createTasks } from "#api/tasks/create-tasks";
import { explainTask } from "#api/tasks/explain-task";
import { forkTask } from "#api/tasks/fork-task";
import { getOverview, type Overview } from "#api/tasks/get-overview";
import { getStepAudit } from "#api/tasks/get-step-audit";
import { getStepJournal, type StepJournalPage } from "#api/tasks/get-step-journal";
import { getStepResult } from "#api/tasks/get-step-result";
import { getTask } from "#api/tasks/get-task";
import { listTasks, type TaskPage } from "#api/tasks/list-tasks";
import { resolveStep } from "#api/tasks/resolve-step";
import { retryTask } from "#api/tasks/retry-task";
import { runTask } from "#api/tasks/run-task";
import { signalTask } from "#api/tasks/signal-task";
import { topUpTask } from "#api/tasks/top-up-task";
import { waitTask } from "#api/tasks/wait-task";
import { watchTask } from "#api/tasks/watch-task";
import { run } from "#api/use-case";
import { UnknownWord } from "#api/validate";
import { Fault } from "#domain/fault";
import type { TaskExplanation } from "#domain/task/explanation";
import type { TaskView } from "#domain/task/view";
import type { WaitingMoment } from "#domain/task/waiting-reason";
import { resolveActionFromWire } from "#wire/convert-enums";
import { explanationToWire } from "#wire/convert-explanation";
import { recordToWire } from "#wire/convert-journal";
import { overviewToWire } from "#wire/convert-overview";
import { stepAuditToWire } from "#wire/convert-step-audit";
import { stepResultToWire, taskToWire, taskViewToWire } from "#wire/convert-task";
import { retryAfterOf, statusCodes, statusOf } from "#wire/faults";
import {
  type BatchCreateTasksResponse,
  CreateTaskRequestSchema,
  type CreateTaskResult,
  type ExplainTaskResponse,
  type GetOverviewResponse,
  type GetStepJournalResponse,
  type ListTasksResponse,
  type ResolveStepRequest,
  type RunTaskRequest,
  type TaskEvent,
  TaskService,
  type WatchTaskRequest,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { asIs, type Call, momentOf, type StreamCall, serverStreaming, unary, waiting } from "../rpc.js";
import { bulkAnswer, bulkInput } from "./bulk-tasks.js";
import { taskAnswer } from "./task-answer.js";
import { taskFilterInput } from "./task-filter.js";
import { watchedEvents } from "./watched-events.js";

/** The TaskService: clients create, change and watch Tasks. */
export const taskService = [
  unary(TaskService.method.createTask, createTask, asIs, taskAnswer),
  unary(TaskService.method.batchCreateTasks, createTasks, asIs, batchAnswer),
  unary(TaskService.method.retryTask, retryTask, asIs, taskAnswer),
  unary(TaskService.method.forkTask, forkTask, asIs, taskAnswer),
  unary(TaskService.method.getTask, getTask, asIs, taskAnswer),
  unary(TaskService.method.explainTask, explainTask, asIs, explanationAnswer),
  unary(TaskService.method.getOverview, getOverview, asIs, overviewAnswer),
  unary(TaskService.method.listTasks, listTasks, taskFilterInput, pageAnswer),
  unary(TaskService.method.bulkTasks, bulkTasks, bulkInput, bulkAnswer),
  unary(TaskService.method.cancelTask, cancelTask, asIs, taskAnswer),
  unary(TaskService.method.signalTask, signalTask, asIs, taskAnswer),
  unary(TaskService.method.topUpTask, topUpTask, asIs, taskAnswer),
  unary(TaskService.method.resolveStep, resolveStep, resolveInput, taskAnswer),
  unary(TaskService.method.getStepResult, getStepResult, asIs, stepResultToWire),
  unary(TaskService.method.getStepAudit, getStepAudit, asIs, stepAuditToWire),
  unary(TaskService.method.getStepJournal, getStepJournal, asIs, journalAnswer),
  serverStreaming(TaskService.method.watchTask, watch),
  waiting(TaskService.method.runTask, runTask, runInput, taskAnswer),
  waiting(TaskService.method.waitTask, waitTask, asIs, taskAnswer),
];

function explanationAnswer(explanation: TaskExplanation, call: Call): ExplainTaskResponse {
  return explanationToWire(explanation, momentOf(call));
}

function journalAnswer({ records, nextPageToken, inDoubt }: StepJournalPage): GetStepJournalResponse {
  return {
    $typeName: "taskrun.v1.GetStepJournalResponse",
    records: records.map(recordToWire),
    nextPageToken,
    inDoubt: [...inDoubt],
  };
}

function overviewAnswer(overview: Overview, call: Call): GetOverviewResponse {
  return overviewToWire(overview, momentOf(call));
}

function batchAnswer(views: readonly (TaskView | Fault)[], call: Call): BatchCreateTasksResponse {
  const moment = momentOf(call);
  const results = views.map((view) => (view instanceof Fault ? refused(view) : made(view, moment)));
  return { $typeName: "taskrun.v1.BatchCreateTasksResponse", results };
}

function made(view: TaskView, moment: WaitingMoment): CreateTaskResult {
  return {
    $typeName: "taskrun.v1.CreateTaskResult",
    result: { case: "task", value: taskViewToWire(view, moment) },
  };
}

function refused(fault: Fault): CreateTaskResult {
  return {
    $typeName: "taskrun.v1.CreateTaskResult",
    result: {
      case: "error",
      value: {
        $typeName: "taskrun.v1.CreateTaskError",
        code: statusCodes[statusOf(fault)],
        message: fault.message,
        reason: fault.reason,
        retryAfterMs: BigInt(retryAfterOf(fault)),
      },
    },
  };
}

function pageAnswer({ tasks, nextPageToken }: TaskPage, call: Call): ListTasksResponse {
  const moment = momentOf(call);
  return {
    $typeName: "taskrun.v1.ListTasksResponse",
    tasks: tasks.map((task) => taskToWire(task, moment)),
    nextPageToken,
  };
}

function resolveInput({ action: number, ...request }: ResolveStepRequest) {
  const unknown = `is ${number}; send RESET_FOR_RETRY, RESOLVE_MANUALLY or COMPLETE_MANUALLY.`;
  return { ...request, action: resolveActionFromWire(number) ?? new UnknownWord(unknown) };
}

/** An absent request is one without any field: it is refused by the name of what it lacks. */
function runInput({ task = create(CreateTaskRequestSchema), waitMs }: RunTaskRequest) {
  return { task, waitMs };
}

async function* watch(request: WatchTaskRequest, call: StreamCall): AsyncIterable<TaskEvent> {
  yield* watchedEvents(await run(watchTask, request, call), call);
}
