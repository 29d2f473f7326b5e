import type { z } from "zod";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Action, Actions, Authorize } from "./authorize.js";
import type { InputReads } from "./runs/input-reads.js";
import type { ClientPlans } from "./templates/plans.js";
import { checked } from "./validate.js";

/** What use cases work with: one object of a server, whoever calls. */
export interface Services {
  readonly plane: Plane;
  readonly entropy: Entropy;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** Whose overrides new Tasks of templates run with. */
  readonly environment: string;
  readonly plans: ClientPlans;
  readonly inputs: InputReads;
  readonly authorize: Authorize;
}

/** One request: who asks, and what the mount that carries the answer can say of it. */
export interface Request {
  readonly services: Services;
  readonly caller: Caller;
  /**
   * Makes room for an answer of up to so many bytes. Called before anything is read for it, and awaited.
   *
   * @returns undefined if there is room at once
   * @throws {Fault} `overloaded`, by the promise, if the peer or all peers together have not read enough of what they
   *   asked for before
   */
  reserve(bytes: number): Promise<void> | undefined;
}

/** What a request is about, with whatever had to be read to know it. */
export interface Target<A extends Action> {
  readonly resource: Actions[A];
}

/**
 * What a request means, in the domain's words: a mount maps its protocol to `Input`, and the `View` to its protocol.
 *
 * A use case cannot be run, nor mounted, without saying what it does to what: that is what the caller is asked about.
 */
export interface UseCase<A extends Action, Input, Checked, Found extends Target<A>, View> {
  readonly action: A;
  /** Reads the input; its messages go on where a field's name stops. */
  readonly input: z.ZodType<Checked, Input>;
  /** The most that the answer may be, with what is read to make it; left out where that is little, or said later. */
  readonly answerBytes?: number;
  /** What the request is about. Reads no more than it takes to say so. */
  find(asked: NoInfer<Checked>, request: Request): Found | Promise<Found>;
  /** Does it. Called once the caller may. */
  perform(asked: NoInfer<Checked>, request: Request, found: NoInfer<Found>): View | Promise<View>;
  /** The answer in place of a refusal with `not_found`, for a list of what the caller may not see. */
  hidden?(): View;
}

/** Gives a use case its types: those of its schema, and of what it finds. */
export function useCase<A extends Action, Input, Checked, Found extends Target<A>, View>(
  definition: UseCase<A, Input, Checked, Found, View>,
): UseCase<A, Input, Checked, Found, View> {
  return definition;
}

/**
 * Runs a use case for one request: reads the input, makes room for a large answer, finds what it is about, asks
 * whether the caller may, and does it. The only place where `authorize` is called.
 *
 * @throws {Fault} `invalid`, naming the field; and what the use case throws
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
  const finding = definition.find(asked, request);
  const found = finding instanceof Promise ? await finding : finding;
  try {
    services.authorize(caller, definition.action, found.resource);
  } catch (error) {
    if (definition.hidden && error instanceof Fault && error.code === "not_found") return definition.hidden();
    throw error;
  }
  return definition.perform(asked, request, found);
}
