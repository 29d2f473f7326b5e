import { type Caller, directsAll, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { EVERY_NAMESPACE, type PauseScope } from "#domain/pause/pause";
import {
  namespaceDenied,
  runNotFound,
  taskNotFound,
  templateNotFound,
  workerNotFound,
} from "#domain/refusals";
import type { TemplateRef } from "#domain/template/template";

/** The server itself, for actions that concern nothing of a namespace. */
export interface ServerResource {
  readonly kind: "server";
}

/** All namespaces at once: of what cannot be divided among them. */
export interface AllNamespacesResource {
  readonly kind: "all_namespaces";
}

/** The namespace of something new: of a template to register. */
export interface NamespaceResource {
  readonly kind: "namespace";
  readonly namespace: string;
}

/** The namespaces of a list; `"*"` is all. */
export interface NamespacesResource {
  readonly kind: "namespaces";
  readonly namespaces: readonly string[] | "*";
}

/** A Task to create. */
export interface NewTaskResource {
  readonly kind: "new_task";
  readonly namespace: string;
  /** False if the request names no namespace: it is the template's, or the caller's own. */
  readonly isNamed: boolean;
  /** The template of the Task; absent if it names an agent. */
  readonly template: TemplateRef | undefined;
}

export interface TaskResource {
  readonly kind: "task";
  readonly id: TaskId;
  /**
   * Absent if only the turn that changes the Task reads its row: the actor then checks the namespace, and refuses with
   * the same text.
   */
  readonly namespace?: string;
}

export interface RunResource {
  readonly kind: "run";
  readonly id: RunId;
  /** The principal whose worker has got the Run. */
  readonly principal: string;
}

export interface TemplateResource {
  readonly kind: "template";
  readonly ref: TemplateRef;
}

/** A connected Worker, or all of them. The plane decides for each whether the caller may see it. */
export interface WorkersResource {
  readonly kind: "workers";
  readonly id?: WorkerId;
}

/** What is paused. */
export interface PauseResource {
  readonly kind: "pause";
  readonly scope: PauseScope;
}

/** A Worker that connects. */
export interface NewWorkerResource {
  readonly kind: "new_worker";
  readonly id: WorkerId;
  /** The namespaces that it names; empty for all that its caller may use. */
  readonly namespaces: readonly string[];
  /** The caller as the server's record has it, of a worker that was enrolled. Default: the caller. */
  readonly caller?: Caller;
}

/** All actions, each with the kind of its resource. The set is closed. */
export interface Actions {
  readonly "task.create": NewTaskResource;
  /** The batch as such. Each of its Tasks is a `task.create` too. */
  readonly "task.create_batch": ServerResource;
  /** Creates a Task and reads its result. */
  readonly "task.run": NewTaskResource;
  readonly "task.retry": TaskResource;
  readonly "task.fork": TaskResource;
  readonly "task.read": TaskResource;
  readonly "task.explain": TaskResource;
  readonly "task.read_audit": TaskResource;
  readonly "task.read_journal": TaskResource;
  readonly "task.list": NamespacesResource;
  readonly "task.overview": NamespacesResource;
  /** The batch as such. What is done with each of its Tasks is an action of its own. */
  readonly "task.bulk": NamespacesResource;
  readonly "task.cancel": TaskResource;
  readonly "task.signal": TaskResource;
  readonly "task.resolve": TaskResource;
  readonly "task.top_up": TaskResource;
  readonly "task.watch": TaskResource;
  /** Makes a token by which others may watch it. */
  readonly "task.create_watch_token": TaskResource;
  readonly "task.replay": TaskResource;
  readonly "task.wait": TaskResource;
  readonly "task.read_result": TaskResource;
  readonly "dead_letter.list": NamespacesResource;
  readonly "dead_letter.read": TaskResource;
  readonly "dead_letter.stats": NamespacesResource;
  readonly "dead_letter.queue": NamespacesResource;
  readonly "dead_letter.staleness": NamespacesResource;
  readonly "dead_letter.update": TaskResource;
  readonly "dead_letter.redrive": TaskResource;
  readonly "run.read_input": RunResource;
  readonly "run.read_journal": RunResource;
  readonly "run.read_result": RunResource;
  readonly "template.register": NamespaceResource;
  readonly "template.read": TemplateResource;
  readonly "template.list": NamespacesResource;
  readonly "template.validate": ServerResource;
  readonly "agent.list": NamespacesResource;
  readonly "key.create": ServerResource;
  readonly "key.list": ServerResource;
  readonly "key.rotate": ServerResource;
  readonly "key.revoke": ServerResource;
  readonly "usage.read": NamespacesResource;
  readonly "audit.list": AllNamespacesResource;
  readonly "ca.read": AllNamespacesResource;
  readonly "ca.rotate": AllNamespacesResource;
  /** What the server says of its settings: no secret is among it. */
  readonly "config.read": ServerResource;
  readonly "node.list": ServerResource;
  readonly "pause.create": PauseResource;
  readonly "pause.end": PauseResource;
  readonly "pause.read": PauseResource;
  /** Each pause is shown to those whom it concerns. */
  readonly "pause.list": ServerResource;
  readonly "worker.invite": ServerResource;
  readonly "worker.enroll": ServerResource;
  readonly "worker.renew": ServerResource;
  readonly "worker.list_enrolled": ServerResource;
  readonly "worker.revoke": ServerResource;
  readonly "worker.connect": NewWorkerResource;
  readonly "worker.list": WorkersResource;
  readonly "worker.read": WorkersResource;
  readonly "worker.drain": WorkersResource;
}

export type Action = keyof Actions;
export type Resource = Actions[Action];

/**
 * Checks that the caller may perform the action on the resource. Called once for every request, in `use-case.ts`.
 *
 * @throws {Fault} `denied`; or `not_found`, with the text for a resource that does not exist, if the caller must not
 *   know that it exists
 */
export type Authorize = <A extends Action>(caller: Caller, action: A, resource: Actions[A]) => void;

/** Callers may perform every action in their own namespaces, and on Runs that were assigned to their workers. */
export const authorize: Authorize = (caller, _action, resource: Resource) => {
  switch (resource.kind) {
    case "server":
    case "workers":
      return;
    case "all_namespaces":
      if (caller.namespaces !== "*") throw notAllYours();
      return;
    case "namespace":
      if (!mayUse(caller, resource.namespace)) throw namespaceDenied(resource.namespace);
      return;
    case "namespaces":
      if (!mayUseAll(caller, resource.namespaces)) throw nothingThere();
      return;
    case "new_task": {
      const { namespace, isNamed, template } = resource;
      if (isNamed && !mayUse(caller, namespace)) throw namespaceDenied(namespace);
      if (template && !mayUse(caller, template.namespace)) throw templateNotFound(template);
      if (!mayUse(caller, namespace)) throw namespaceDenied(namespace);
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
    case "pause":
      return authorizePause(caller, resource.scope);
    case "new_worker": {
      const known = resource.caller ?? caller;
      const foreign = resource.namespaces.find((namespace) => !mayUse(known, namespace));
      if (foreign !== undefined) throw notYoursToWorkFor(foreign);
    }
  }
};

function authorizePause(caller: Caller, { kind, namespace, name, principal }: PauseScope): void {
  if (kind === "worker") {
    if (principal !== caller.principal && !directsAll(caller)) throw workerNotFound(name as WorkerId);
    return;
  }
  if (kind === "plane" || namespace === EVERY_NAMESPACE) {
    if (caller.namespaces !== "*") throw notAllYours();
  } else if (!mayUse(caller, namespace)) throw namespaceDenied(namespace);
}

function mayUseAll(caller: Caller, namespaces: readonly string[] | "*"): boolean {
  if (namespaces === "*") return caller.namespaces === "*";
  return namespaces.every((namespace) => mayUse(caller, namespace));
}

/** A refusal that a list answers with its `hidden` answer, an empty list. */
function nothingThere(): Fault {
  return new Fault("not_found", "there is nothing that you may see", { field: "namespace" });
}

function notAllYours(): Fault {
  const message = "this is of all namespaces: use a credential that may use all of them.";
  return new Fault("denied", message, { reason: "NOT_ALL_NAMESPACES" });
}

function notYoursToWorkFor(namespace: string): Fault {
  const message = `namespace "${namespace}" is not yours to work for; name your own, or none.`;
  return new Fault("denied", message, { field: "info.namespaces" });
}
