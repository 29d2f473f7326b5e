import { Fault } from "#domain/fault";
import type { TaskDraft } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import { type Request, useCase } from "../use-case.js";
import { draftOf } from "./draft.js";
import { newTask } from "./new-task.js";
import { wholeTask } from "./whole-task.js";

/** CreateTask: what a client asks for becomes a draft with an id of its own, which the plane takes or refuses. */
export const createTask = useCase({
  action: newTask.action,
  input: newTask.input,
  find: newTask.find,
  perform: async (asked, request, { resource }) => submit(await draftOf(asked, resource, request), request),
});

/** @param roomMade true if there is room for the answer already */
export async function submit(draft: TaskDraft, request: Request, roomMade = false): Promise<TaskView> {
  const { plane } = request.services;
  const [receipt] = await plane.submit(request.caller, [draft]);
  if (receipt === undefined) throw noAnswer();
  if (receipt instanceof Fault) throw receipt;

  // A new Task is all in its receipt; only one that was there before has more to show.
  const fresh = freshTask(receipt, draft);
  if (fresh) return fresh;
  if (!roomMade) await request.reserve(limits.messageBytes);
  const detail = await plane.reads.task(receipt.task.id);
  return detail ? wholeTask(plane.reads, detail) : { task: receipt.task, input: draft.input };
}

/** The Task as its first commit left it, or undefined if it was not made by this request. */
export function freshTask({ task, steps, runs }: Receipt, { id, input }: TaskDraft): TaskView | undefined {
  return task.id === id ? { task, input, steps, runs } : undefined;
}

export function noAnswer(): Fault {
  return new Fault("internal", "the plane gave no answer for the Task");
}
