import type { Fault } from "#domain/fault";
import type { SessionId, StepKey, TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Command } from "./commands.js";
import type { RunMessage } from "./run/messages.js";
import type { SchedulerMessage } from "./scheduler/messages.js";
import type { StepMessage } from "./step/messages.js";
import type { TaskMessage } from "./task/messages.js";
import type { TaskFinalizerMessage } from "./task-finalizer/messages.js";
import type { WorkerMessage } from "./worker/messages.js";

export function keyOf({ taskId, name: stepName }: Pick<StepRow, "taskId" | "name">): StepKey {
  return { taskId, stepName };
}

export function advanceTask({ id: taskId }: Pick<TaskRow, "id">, message: TaskMessage): Command {
  return { type: "advanceTask", params: { taskId, message } };
}

export function advanceStep({ taskId, name }: StepRow, message: StepMessage): Command {
  return { type: "advanceStep", params: { taskId, stepName: name, message } };
}

export function advanceRun({ id: runId }: Pick<RunRow, "id">, message: RunMessage): Command {
  return { type: "advanceRun", params: { runId, message } };
}

export function advanceWorker(session: SessionId, message: WorkerMessage): Command {
  return { type: "advanceWorker", params: { session, message } };
}

export function tellFinalizer(message: TaskFinalizerMessage): Command {
  return { type: "tell", params: { to: "task-finalizer", message } };
}

export function tellScheduler(message: SchedulerMessage): Command {
  return { type: "tell", params: { to: "scheduler", message } };
}

/** Answers who asked with the Task, as it is after the commit. */
export function replyTask(taskId: TaskId): Command {
  return { type: "reply", params: { answer: { type: "tasks", tasks: [taskId] } } };
}

export function refuse(fault: Fault): Command {
  return { type: "reply", params: { answer: { type: "fault", fault } } };
}
