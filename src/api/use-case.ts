import type { z } from "zod";
import type { RoleTable } from "#domain/access/roles";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { scopeText } from "#domain/pause/pause";
import type { DefaultBudgets } from "#domain/task/budget";
import { templateKey } from "#domain/template/template";
import type { AuditStore, AuditTrail } from "#ports/audit";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Reads } from "#ports/store-reads";
import type { WaitSignal } from "#ports/task-wait";
import type { Tracing } from "#ports/tracing";
import type { KeyRing } from "./access/key-ring.js";
import type { WatchTokens } from "./access/watch-tokens.js";
import type { Action, Actions, Authorize, Resource } from "./authorize.js";
import { CallerReads } from "./caller-reads.js";
import type { ServerFacts } from "./config/server-facts.js";
import type { Enrolment } from "./enrolment/enrolment.js";
import type { InputReads } from "./runs/input-reads.js";
import type { CreateRates } from "./tasks/create-rates.js";
import type { OpenWatchers } from "./tasks/open-watchers.js";
import type { ClientPlans } from "./templates/plans.js";
import { checked } from "./validate.js";
import type { SubmittedAgents } from "./workers/submitted-agents.js";
import type { TasksInHand } from "./workers/tasks-in-hand.js";

/** The plane without its reads, which are for everybody: every operation of it takes the caller. */
export type CallerPlane = Omit<Plane, "reads">;

/** Reads that nobody can use without saying for whom. */
export class StoredReads {
  readonly #reads: Reads;
  /** Those that the store confines, by the lists of namespaces that callers have. */
  readonly #confined = new WeakMap<readonly string[], Reads>();

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  for(caller: Caller): CallerReads {
    return new CallerReads(this.#within(caller), caller);
  }

  /** A worker with a certificate reads what its Runs need, which may be of further namespaces that its record has. */
  #within({ namespaces, certificate }: Caller): Reads {
    if (namespaces === "*" || certificate || !this.#reads.within) return this.#reads;
    const known = this.#confined.get(namespaces) ?? this.#reads.within(namespaces);
    this.#confined.set(namespaces, known);
    return known;
  }
}

/** The store as the caller of a request may read it. */
export function readsOf({ services, caller }: Pick<Request, "services" | "caller">): CallerReads {
  return services.stored.for(caller);
}

/** What use cases work with; one object for a server, independent of the caller. */
export interface Services {
  readonly plane: CallerPlane;
  /** What callers read: by {@link readsOf} alone. */
  readonly stored: StoredReads;
  readonly entropy: Entropy;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** The environment whose overrides apply to new Tasks of templates. */
  readonly environment: string;
  /** What the server tells of itself. */
  readonly facts: ServerFacts;
  readonly plans: ClientPlans;
  readonly inputs: InputReads;
  /** What workers run whose protocol does not let them say so. */
  readonly submitted: SubmittedAgents;
  /** What workers have in hand that name Runs by their Task. */
  readonly inHand: TasksInHand;
  readonly authorize: Authorize;
  /** API keys; absent where nobody is asked for one. */
  readonly keys?: KeyRing | undefined;
  /** Tokens for the events of one Task; absent where nobody is asked for a credential. */
  readonly watchTokens?: WatchTokens | undefined;
  /** The audit log, and where refusals go; absent if there is none. */
  readonly audit?: { readonly trail: AuditTrail; readonly store: AuditStore } | undefined;
  /** What the roles of this server may do. */
  readonly roles: RoleTable;
  /** Makes workers; absent where there is no authority to sign for them. */
  readonly enrolment?: Enrolment | undefined;
  /** How fast namespaces may create Tasks; absent if nobody bounds it. */
  readonly creates?: CreateRates | undefined;
  /** What Tasks may use that ask for no budget; absent if nothing bounds them. */
  readonly budgets?: DefaultBudgets | undefined;
  /** How many may watch in each namespace; absent if nobody bounds it. */
  readonly watchers?: OpenWatchers | undefined;
  /** Decides which new Tasks are traced; absent if nobody traces. */
  readonly tracing?: Tracing | undefined;
}

/** One request: its caller, and what the mount provides for its answer. */
export interface Request {
  readonly services: Services;
  readonly caller: Caller;
  /**
   * Reserves memory for an answer of up to this many bytes. Call and await it before anything is read for the answer.
   *
   * @returns undefined if there is room at once
   * @throws {Fault} `overloaded`, by the promise, if the peer, or all peers together, have too many unread answers
   */
  reserve(bytes: number): Promise<void> | undefined;
  /** The request's `traceparent`, as it was sent; undefined if there is none. */
  traceparent?(): string | undefined;
  /** The address of the peer, as text; undefined in this process. */
  readonly address?: string | undefined;
  /** Aborted when nobody waits for the answer any more; for requests that may wait for long. */
  readonly signal?: WaitSignal;
}

/** The resource of a request, with whatever was read to find it. */
export interface Target<A extends Action> {
  readonly resource: Actions[A];
}

/**
 * One kind of request, independent of protocols: a mount maps its protocol to `Input`, and the `View` to its protocol.
 *
 * Its action and target are mandatory, so that every request can be authorized.
 */
export interface UseCase<A extends Action, Input, Checked, Found extends Target<A>, View> {
  readonly action: A;
  /** Validates the input; its messages continue the sentence that begins with the field's name. */
  readonly input: z.ZodType<Checked, Input>;
  /**
   * Most bytes of the answer and of what is read for it. Left out if it is small, or if `perform` reserves it later.
   */
  readonly answerBytes?: number;
  /** Finds the resource of the request. Reads no more than is needed for that. */
  find(asked: NoInfer<Checked>, request: Request): Found | Promise<Found>;
  /** Performs the action. Called after the caller has been authorized. */
  perform(asked: NoInfer<Checked>, request: Request, found: NoInfer<Found>): View | Promise<View>;
  /** The answer instead of a refusal with `not_found`, for lists that are empty for this caller. */
  hidden?(): View;
  /** True if it tells the audit log itself of those it refuses, by better names than those of the caller. */
  readonly notesRefusals?: true;
}

/** Defines a use case; infers its types from its schema and from what it finds. */
export function useCase<A extends Action, Input, Checked, Found extends Target<A>, View>(
  definition: UseCase<A, Input, Checked, Found, View>,
): UseCase<A, Input, Checked, Found, View> {
  return definition;
}

/**
 * Runs a use case for one request: validates the input, reserves room for a large answer, finds the resource,
 * authorizes the caller, and performs the action. The only place where `authorize` is called.
 *
 * @throws {Fault} `invalid`, naming the field; `denied` or `not_found`; and what the use case throws
 */
export async function run<A extends Action, Input, Checked, Found extends Target<A>, View>(
  definition: UseCase<A, Input, Checked, Found, View>,
  input: Input,
  request: Request,
): Promise<View> {
  const { services, caller } = request;
  const asked = checked(definition.input, input);
  const crowded = definition.answerBytes === undefined ? undefined : request.reserve(definition.answerBytes);
  if (crowded) await crowded;
  let found: Found;
  try {
    const finding = definition.find(asked, request);
    found = finding instanceof Promise ? await finding : finding;
  } catch (error) {
    noteHidden(definition.action, asked, error, request);
    throw error;
  }
  try {
    services.authorize(caller, definition.action, found.resource);
  } catch (error) {
    noteRefusal(definition.action, found.resource, error, request);
    if (definition.hidden && error instanceof Fault && error.code === "not_found") return definition.hidden();
    throw error;
  }
  const denied = notingDenials(definition, found.resource, request);
  try {
    const view = definition.perform(asked, request, found);
    // Not awaited here: what waits for long would keep `asked`, with the input in it.
    return view instanceof Promise ? view.catch(denied) : view;
  } catch (error) {
    return denied(error);
  }
}

/** Rethrows what a use case has failed with, and notes it if its caller lacks a right. */
function notingDenials(
  { action, notesRefusals }: { readonly action: Action; readonly notesRefusals?: true },
  resource: Resource,
  request: Request,
): (error: unknown) => never {
  return (error) => {
    const isDenied = error instanceof Fault && error.code === "denied" && !notesRefusals;
    if (isDenied) noteRefusal(action, resource, error, request);
    throw error;
  };
}

/**
 * What a caller asks for that may not use all namespaces, and that is not there for it, is noted: whether it is another's or nobody's
 * only a second look would tell, which would take its time.
 */
function noteHidden(action: Action, asked: unknown, error: unknown, request: Request): void {
  const isHidden = error instanceof Fault && error.reason === "TASK_NOT_FOUND";
  if (!isHidden || request.caller.namespaces === "*") return;
  const { id = "", taskId = id } = asked as { readonly id?: string; readonly taskId?: string };
  noteRefusal(action, { kind: "task", id: taskId as TaskId }, error, request);
}

/** Tells the audit log who was refused what, for lack of a right. */
export function noteRefusal(action: Action, resource: Resource, error: unknown, request: Request): void {
  const { audit } = request.services;
  if (!audit || !(error instanceof Fault)) return;
  const { principal: actor } = request.caller;
  audit.trail.refused({
    actor,
    action,
    ...named(resource),
    detail: error.reason ?? error.code.toUpperCase(),
  });
}

function named(resource: Resource): { readonly object: string; readonly namespace?: string } {
  const { kind } = resource;
  switch (kind) {
    case "server":
    case "all_namespaces":
      return { object: kind };
    case "namespace":
    case "new_task":
      return { object: kind, namespace: resource.namespace };
    case "namespaces":
      return { object: resource.namespaces === "*" ? "all namespaces" : resource.namespaces.join(" ") };
    case "task":
      return {
        object: `task ${resource.id}`,
        ...(resource.namespace !== undefined && { namespace: resource.namespace }),
      };
    case "template":
      return { object: `template ${templateKey(resource.ref)}`, namespace: resource.ref.namespace };
    case "pause":
      return { object: `pause of ${scopeText(resource.scope)}`, namespace: resource.scope.namespace };
    case "run":
      return { object: `run ${resource.id}` };
    case "workers":
    case "new_worker":
      return { object: `worker ${resource.id ?? "any"}` };
  }
}
