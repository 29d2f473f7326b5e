import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { namespaceDenied, runNotFound, taskNotFound, templateNotFound } from "#domain/refusals";
import type { TemplateRef } from "#domain/template/template";

/** Nothing that is anybody's own: what this server can do for whoever may speak to it. */
export interface ServerResource {
  readonly kind: "server";
}

/** Where something new is to be: a template that is registered. */
export interface NamespaceResource {
  readonly kind: "namespace";
  readonly namespace: string;
}

/** Where a list looks; `"*"` is everywhere. */
export interface NamespacesResource {
  readonly kind: "namespaces";
  readonly namespaces: readonly string[] | "*";
}

/** A Task that is not there yet. */
export interface NewTaskResource {
  readonly kind: "new_task";
  readonly namespace: string;
  /** What it is to be made from; absent if it names an agent. */
  readonly template: TemplateRef | undefined;
}

export interface TaskResource {
  readonly kind: "task";
  readonly id: TaskId;
  /**
   * Absent where only the turn that changes the Task reads it: the actor then compares with the row it decides on,
   * in the same words.
   */
  readonly namespace?: string;
}

export interface RunResource {
  readonly kind: "run";
  readonly id: RunId;
  /** To whose worker it was given. */
  readonly principal: string;
}

export interface TemplateResource {
  readonly kind: "template";
  readonly ref: TemplateRef;
}

/** A connected Worker, or all of them: which ones a caller sees at all, the plane says for each. */
export interface WorkersResource {
  readonly kind: "workers";
  readonly id?: WorkerId;
}

/** A Worker that wants to serve. */
export interface NewWorkerResource {
  readonly kind: "new_worker";
  readonly id: WorkerId;
  /** Those it names; none is all that its caller may use. */
  readonly namespaces: readonly string[];
}

/** All that anybody can do, and what it is done to. The set is closed. */
export interface Actions {
  readonly "task.create": NewTaskResource;
  /** The batch as such; each Task of it is a `task.create` of its own. */
  readonly "task.create_batch": ServerResource;
  readonly "task.retry": TaskResource;
  readonly "task.read": TaskResource;
  readonly "task.list": NamespacesResource;
  readonly "task.cancel": TaskResource;
  readonly "task.signal": TaskResource;
  readonly "task.resolve": TaskResource;
  readonly "task.watch": TaskResource;
  readonly "task.read_result": TaskResource;
  readonly "run.read_input": RunResource;
  readonly "run.read_result": RunResource;
  readonly "template.register": NamespaceResource;
  readonly "template.read": TemplateResource;
  readonly "template.list": NamespacesResource;
  readonly "template.validate": ServerResource;
  readonly "worker.connect": NewWorkerResource;
  readonly "worker.list": WorkersResource;
  readonly "worker.read": WorkersResource;
  readonly "worker.drain": WorkersResource;
}

export type Action = keyof Actions;
export type Resource = Actions[Action];

/**
 * Whether this caller may do this: the one question that every use case asks, once a request, in `use-case.ts`.
 *
 * @throws {Fault} `denied`; or `not_found`, in the words of a thing that never was, where the caller is not to know
 *   that there is one
 */
export type Authorize = <A extends Action>(caller: Caller, action: A, resource: Actions[A]) => void;

/** Everybody may do everything in the namespaces that are theirs, and with the Runs that were given to them. */
export const authorize: Authorize = (caller, _action, resource: Resource) => {
  switch (resource.kind) {
    case "server":
    case "workers":
      return;
    case "namespace":
      if (!mayUse(caller, resource.namespace)) throw namespaceDenied(resource.namespace);
      return;
    case "namespaces":
      if (!mayUseAll(caller, resource.namespaces)) throw nothingThere();
      return;
    case "new_task": {
      const { namespace, template } = resource;
      if (!mayUse(caller, namespace)) throw namespaceDenied(namespace);
      if (template && !mayUse(caller, template.namespace)) throw templateNotFound(template);
      return;
    }
    case "task": {
      const { id, namespace } = resource;
      if (namespace !== undefined && !mayUse(caller, namespace)) throw taskNotFound(id);
      return;
    }
    case "run":
      if (resource.principal !== caller.principal) throw runNotFound(resource.id);
      return;
    case "template":
      if (!mayUse(caller, resource.ref.namespace)) throw templateNotFound(resource.ref);
      return;
    case "new_worker": {
      const foreign = resource.namespaces.find((namespace) => !mayUse(caller, namespace));
      if (foreign !== undefined) throw notYoursToWorkFor(foreign);
    }
  }
};

function mayUseAll(caller: Caller, namespaces: readonly string[] | "*"): boolean {
  if (namespaces === "*") return caller.namespaces === "*";
  return namespaces.every((namespace) => mayUse(caller, namespace));
}

/** A list of what the caller may not see is empty: a list that can be, says so as its `hidden` answer. */
function nothingThere(): Fault {
  return new Fault("not_found", "there is nothing that you may see", { field: "namespace" });
}

function notYoursToWorkFor(namespace: string): Fault {
  const message = `namespace "${namespace}" is not yours to work for; name your own, or none.`;
  return new Fault("denied", message, { field: "info.namespaces" });
}
