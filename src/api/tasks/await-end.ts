import type { TaskId } from "#domain/id";
import { taskNotFound } from "#domain/refusals";
import { isTerminal } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { EndedTask, TaskWait } from "#ports/task-wait";
import { runBytes, stepBytes, sum, taskBytes } from "../answer-size.js";
import { type Request, readsOf } from "../use-case.js";
import { wholeTask } from "./whole-task.js";

/**
 * Waits for the end of a Task, and answers with the whole Task: ended, or as it stands when the time is over.
 *
 * Nothing of the request is kept while it waits: neither its input nor room for its answer, which is reserved when it is
 * about to be answered.
 *
 * @param wait begun before the Task was read, or created; closed here
 * @param ended true if the Task has ended already
 */
export async function awaitEnd(
  wait: TaskWait,
  { id, ended }: { readonly id: TaskId; readonly ended: boolean },
  most: Millis,
  request: Request,
): Promise<TaskView> {
  try {
    const end = ended ? undefined : await wait.ended(most, request.signal);
    const rows = end?.type === "ended" ? end : undefined;
    return await answer(id, rows, request);
  } finally {
    wait.close();
  }
}

/** True if the Task has ended. @throws {Fault} `not_found` if there is none */
export async function hasEnded(id: TaskId, request: Request): Promise<boolean> {
  const detail = await readsOf(request).task(id);
  if (!detail) throw taskNotFound(id);
  return isTerminal(detail.task.state);
}

async function answer(id: TaskId, end: EndedTask | undefined, request: Request): Promise<TaskView> {
  const reads = readsOf(request);
  const crowded = request.reserve(mostBytes(end));
  if (crowded) await crowded;
  if (end?.rows) {
    const input = await reads.input(end.task);
    if (input !== undefined) return wholeTask(reads, { task: end.task, ...end.rows, input });
  }
  const detail = await reads.task(id);
  if (!detail) throw taskNotFound(id);
  return wholeTask(reads, detail);
}

/**
 * The most bytes that the answer takes, as far as is known before anything is read: hundreds of Tasks of one client end
 * together, and their answers would wait for each other if each reserved the size of a message. Twice what it takes,
 * because JSON within JSON has its quotes escaped.
 */
function mostBytes(end: EndedTask | undefined): number {
  const inputBytes = end?.task.inputBytes ?? null;
  if (!end?.rows || inputBytes === null) return limits.messageBytes;
  const { steps, runs } = end.rows;
  const errors = [...steps, ...runs].map(({ errorMessage }) => Buffer.byteLength(errorMessage));
  const details = runs.map(({ errorDetail }) => Buffer.byteLength(errorDetail));
  const models = runs.map(({ backend }) => (backend ? Buffer.byteLength(JSON.stringify(backend)) : 0));
  // Of one Step the result is there twice: as its own, and as the Task's.
  const parts = [...steps.map((step) => stepBytes(step) + 2 * step.outputBytes), ...runs.map(runBytes)];
  const bytes = taskBytes(end.task) + inputBytes + sum([...parts, ...errors, ...details, ...models]);
  return Math.min(2 * bytes, limits.messageBytes);
}
