import { ownNamespace } from "#domain/caller";
import type { TaskDraft } from "#domain/task/task";
import { useCase } from "../use-case.js";
import { draftOf } from "./draft.js";
import { newTaskInput } from "./new-task-input.js";

/** Makes the draft of a requested Task, single or in a batch, without submitting it. */
export const newTask = useCase({
  action: "task.create",
  input: newTaskInput,
  find: ({ namespace: named, template }, { caller }) => {
    // A Task belongs to the namespace of its template, unless the request says otherwise.
    const namespace = named || template?.namespace || ownNamespace(caller);
    const ref = template && { ...template, namespace: template.namespace || namespace };
    const isNamed = named !== "";
    return { resource: { kind: "new_task" as const, namespace, isNamed, template: ref } };
  },
  perform: (asked, request, { resource }): Promise<TaskDraft> => draftOf(asked, resource, request),
});
