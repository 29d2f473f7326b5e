import { allows } from "#domain/access/scopes";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { AuditTrail } from "#ports/audit";
import type { Identify, Sender } from "../caller.js";
import { policy, type Requirement, watchTokenRoutes } from "./policy.js";

/** Whoever asks for what needs no credential. */
const ANYBODY: Caller = { principal: "anybody", namespaces: [], roles: [] };

/** Finds the caller of a credential. @throws {Fault} `unauthenticated` */
export interface CallerOf {
  callerOf(credential: string): Caller;
}

/** Finds the caller of a token for one Task. @throws {Fault} `unauthenticated` */
export interface WatcherOf {
  callerOf(token: string, taskId: string): Caller;
}

export interface AuthenticateOptions {
  /** Who else is let in: tokens for the events of one Task. */
  readonly watchTokens?: WatcherOf | undefined;
  /** Is told of everybody who shows no credential, or asks for what it has no scope for. */
  readonly audit?: AuditTrail | undefined;
}

/**
 * Asks everybody for a credential, and for the scope that the table of {@link policy} demands. Who shows one that counts for
 * nothing is told of by who keeps it.
 */
export function authenticate(
  credentials: CallerOf,
  { watchTokens, audit }: AuthenticateOptions = {},
): Identify {
  return (sender) => {
    const needs = policy.get(sender.asked);
    if (needs === "nothing") return ANYBODY;
    const credential = credentialOf(sender);
    const caller =
      credential === undefined ? watcherOf(sender, watchTokens) : credentials.callerOf(credential);
    if (!caller) {
      audit?.refused({ actor: "anonymous", action: "key.use", object: "none", detail: "CREDENTIAL_MISSING" });
      throw missing();
    }
    if (needs === undefined || !may(caller, needs)) {
      const { principal: actor } = caller;
      audit?.refused({ actor, action: "call", object: sender.asked, detail: needs ?? "" });
      throw notAllowed(sender.asked, needs);
    }
    return caller;
  };
}

/** The caller by a token for one Task, if there is one and the route takes it. */
function watcherOf({ asked, watchToken }: Sender, watchTokens: WatcherOf | undefined): Caller | undefined {
  if (!watchTokens || !watchToken || !watchTokenRoutes.has(asked)) return undefined;
  return watchTokens.callerOf(watchToken.text, watchToken.taskId);
}

function may(caller: Caller, needs: Requirement): boolean {
  return needs === "nothing" || needs === "a credential" || allows(caller.roles, needs);
}

/** Longer ones are none of ours, and are not looked at. */
const CREDENTIAL_CHARS = 8_192;

function credentialOf(sender: Sender): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(sender.header("authorization") ?? "") ?? [];
  const credential = bearer ?? (sender.header("x-api-key") || undefined);
  return credential?.slice(0, CREDENTIAL_CHARS);
}

function missing(): Fault {
  const message =
    "this server asks for a credential: send an API key as x-api-key, or as authorization: Bearer KEY.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_MISSING" });
}

function notAllowed(asked: string, needs: Requirement | undefined): Fault {
  const message =
    needs === undefined
      ? `${asked} is open to nobody.`
      : `${asked} needs ${needs}, which your credential does not have.`;
  return new Fault("denied", message, {
    reason: "SCOPE_MISSING",
    ...(needs && { metadata: { scope: needs } }),
  });
}
