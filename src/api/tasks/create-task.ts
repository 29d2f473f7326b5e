import { Fault } from "#domain/fault";
import type { TaskDraft } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import { type Request, readsOf, useCase } from "../use-case.js";
import { draftOf } from "./draft.js";
import { newTask } from "./new-task.js";
import { wholeTask } from "./whole-task.js";

/** CreateTask: makes a draft with a new id of the request, and submits it to the plane. */
export const createTask = useCase({
  action: newTask.action,
  input: newTask.input,
  find: newTask.find,
  perform: async (asked, request, { resource }) => submit(await draftOf(asked, resource, request), request),
});

/** The same for a caller who watches the Task next: while its namespace has as many watchers as it may, nothing is stored. */
export const createTaskToWatch = useCase({
  ...createTask,
  perform: (asked, request, found) => {
    request.services.watchers?.check(found.resource.namespace);
    return createTask.perform(asked, request, found);
  },
});

/** Submits one draft and returns the Task. @param roomMade true if room for the answer is already reserved */
export async function submit(draft: TaskDraft, request: Request, roomMade = false): Promise<TaskView> {
  const receipt = await submitOne(draft, request);
  // The receipt of a new Task is complete; a Task that existed before must be read.
  const fresh = freshTask(receipt, draft);
  if (fresh) return fresh;
  if (!roomMade) await request.reserve(limits.messageBytes);
  const reads = readsOf(request);
  const detail = await reads.task(receipt.task.id);
  return detail ? wholeTask(reads, detail) : { task: receipt.task, input: draft.input };
}

/** Submits one draft. @throws {Fault} if it is refused */
export async function submitOne(draft: TaskDraft, { caller, services }: Request): Promise<Receipt> {
  services.creates?.take(draft.namespace);
  const [receipt] = await services.plane.submit(caller, [draft]);
  if (receipt === undefined) throw noAnswer();
  if (receipt instanceof Fault) throw receipt;
  return receipt;
}

/** The Task as its first commit left it; undefined if this request did not create it. */
export function freshTask({ task, steps, runs }: Receipt, { id, input }: TaskDraft): TaskView | undefined {
  return task.id === id ? { task, input, steps, runs } : undefined;
}

export function noAnswer(): Fault {
  return new Fault("internal", "the plane gave no answer for the Task");
}
