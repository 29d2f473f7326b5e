import { z } from "zod";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { isTerminal, type TaskDraft } from "#domain/task/task";
import type { TaskWait } from "#ports/task-wait";
import type { NewTaskResource } from "../authorize.js";
import { type Request, useCase } from "../use-case.js";
import { waitTime } from "../validate.js";
import { awaitEnd, hasEnded } from "./await-end.js";
import { submitOne } from "./create-task.js";
import { draftOf } from "./draft.js";
import { newTask } from "./new-task.js";
import type { NewTask } from "./new-task-input.js";

/** RunTask: creates a Task, or finds the one of its idempotency key, and waits for its end as WaitTask does. */
export const runTask = useCase({
  action: "task.run",
  input: z.object({ task: newTask.input, waitMs: waitTime }),
  find: ({ task }, request) => newTask.find(task, request),
  // No async function: it would keep the input in memory as long as the request waits.
  perform: ({ task, waitMs }, request, { resource }) =>
    begin(task, resource, request).then(({ wait, ...created }) => awaitEnd(wait, created, waitMs, request)),
});

interface Begun {
  readonly wait: TaskWait;
  readonly id: TaskId;
  readonly ended: boolean;
}

/** Creates the Task. The wait begins before, so that nothing is stored if too many requests wait already. */
async function begin(asked: NewTask, resource: NewTaskResource, request: Request): Promise<Begun> {
  const draft = await draftWithin("task", asked, resource, request);
  const wait = request.services.plane.wait(request.caller, draft.id);
  try {
    const { id, state } = (await submitOne(draft, request)).task;
    if (id === draft.id) return { wait, id, ended: isTerminal(state) };

    wait.follow(id);
    return { wait, id, ended: await hasEnded(id, request) };
  } catch (error) {
    wait.close();
    throw error;
  }
}

/** Like {@link draftOf}; its faults name the field within the request. */
async function draftWithin(
  path: string,
  ...[asked, resource, request]: Parameters<typeof draftOf>
): Promise<TaskDraft> {
  try {
    return await draftOf(asked, resource, request);
  } catch (error) {
    if (!(error instanceof Fault) || error.details.field === undefined) throw error;
    const field = `${path}.${error.details.field}`;
    throw new Fault(error.code, `${path}.${error.message}`, { ...error.details, field });
  }
}
