import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { getTask } from "#api/tasks/get-task";
import { watchTask } from "#api/tasks/watch-task";
import { run } from "#api/use-case";
import type { LogEntry } from "#domain/task/log";
import type { StepSummary } from "#domain/task/step";
import { isTerminal, type TaskRow, type TaskState } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import {
  type StreamTaskStatusRequest,
  type TaskStatusUpdate,
  TaskStatusUpdateSchema,
  TaskStatusUpdate_UpdateType as UpdateType,
} from "#wire/gen/tasker/v1/tasks_pb";
import type { StreamCall } from "../../rpc.js";
import { stepUuid } from "../shapes/step-uuid.js";
import { stepStateToWire, taskStateToWire } from "./enums.js";
import { uuidIn } from "./fields.js";
import { given } from "./structs.js";

/**
 * StreamTaskStatus: how the Task stands, and with `include_steps` how each of its Steps does; then every change, as the Task's log gets
 * it; the last one is the terminal state, whichever it is. Nothing is asked for again and again.
 */
export async function* taskStatusUpdates(
  { taskUuid, includeSteps }: StreamTaskStatusRequest,
  call: StreamCall,
): AsyncGenerator<TaskStatusUpdate, void> {
  const id = uuidIn("task_uuid", taskUuid);
  // Where the log ends is asked first: a change that comes in between is told twice rather than never.
  const { lastSeq } = await run(watchTask, { id, afterSeq: 0n }, call);
  const afterSeq = BigInt(await lastSeq());
  const { task, steps = [] } = await run(getTask, { id }, { ...call, reserve: () => undefined });
  const told = new Told();
  for (const step of includeSteps ? steps : []) {
    if (told.isNews(step)) yield stepUpdate(task.id, step, call.services.plane.now());
  }
  told.taskState = task.state;
  yield taskUpdate(task, call.services.plane.now());
  if (isTerminal(task.state)) return;

  const watch = await run(watchTask, { id, afterSeq }, call);
  for await (const { entries } of watch.slices(call.signal)) {
    for (const entry of entries) {
      const update = updateOf(task.id, entry, told, includeSteps);
      if (update) yield update;
    }
  }
}

/** What the client knows. */
class Told {
  taskState: TaskState | undefined;
  readonly #steps = new Map<string, string>();

  /** True if the Step is in another state than was told last, or in another attempt. */
  isNews({ name, state, attempts }: Pick<StepSummary, "name" | "state" | "attempts">): boolean {
    const now = `${state} ${attempts}`;
    if (this.#steps.get(name) === now) return false;
    this.#steps.set(name, now);
    return true;
  }
}

/** Undefined for what is no change of a state that the client is to hear of. */
function updateOf(
  taskId: string,
  entry: LogEntry,
  told: Told,
  includeSteps: boolean,
): TaskStatusUpdate | undefined {
  if (entry.type === "step") {
    return includeSteps && told.isNews(entry.step) ? stepUpdate(taskId, entry.step, entry.at) : undefined;
  }
  if (entry.type !== "task" || entry.state === told.taskState) return undefined;
  told.taskState = entry.state;
  return taskUpdate(entry, entry.at);
}

function taskUpdate({ state, errorMessage }: Pick<TaskRow, "state" | "errorMessage">, at: Instant) {
  return create(TaskStatusUpdateSchema, {
    updateType: typeOf(state),
    timestamp: timestampFromMs(at),
    taskState: taskStateToWire[state],
    errorMessage: given(errorMessage),
  });
}

/** A Task that was resolved by hand is done; one that was cancelled has not done its work. The state tells them apart. */
function typeOf(state: TaskState): UpdateType {
  if (state === "complete" || state === "resolved_manually") return UpdateType.TASK_COMPLETE;
  return isTerminal(state) ? UpdateType.TASK_ERROR : UpdateType.TASK_STATE_CHANGE;
}

function stepUpdate(taskId: string, { name, state, attempts }: StepSummary, at: Instant): TaskStatusUpdate {
  return create(TaskStatusUpdateSchema, {
    updateType: UpdateType.STEP_STATE_CHANGE,
    timestamp: timestampFromMs(at),
    stepUpdate: { stepUuid: stepUuid(taskId, name), name, state: stepStateToWire[state], attempt: attempts },
  });
}
