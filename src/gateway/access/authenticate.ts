import type { Enrolment } from "#api/enrolment/enrolment";
import { RoleTable } from "#domain/access/roles";
import { clientUri, workerUri } from "#domain/access/spiffe";
import type { Caller, CertificateCredential, ClientCredential, WorkerCredential } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { Identify, Sender } from "../caller.js";
import { ofAllNamespaces, policy, type Requirement, watchTokenRoutes } from "./policy.js";

/** Whoever asks for what needs no credential. */
const ANYBODY: Caller = { principal: "anybody", namespaces: [], roles: [] };

/** Finds the caller of a credential. */
export interface CallerOf {
  /** @throws {Fault} at once or by the promise */
  callerOf(credential: string): Caller | Promise<Caller>;
  /** Of a client's certificate; undefined where no client is known by one. @throws {Fault} `unauthenticated` */
  certified?(certificate: ClientCredential): Caller | undefined;
}

/** Finds the caller of a token for one Task. @throws {Fault} `unauthenticated` */
export interface WatcherOf {
  callerOf(token: string, taskId: string): Caller;
}

/** What else a server takes, what it has, and who is told. */
export interface AuthenticateParts {
  /** Who else is let in: tokens for the events of one Task. */
  readonly watchTokens?: WatcherOf | undefined;
  /** Workers that are known by their certificates. */
  readonly workers?: Pick<Enrolment, "streams"> | undefined;
  /** Default: the built-in ones. */
  readonly roles?: RoleTable | undefined;
  /** Is told of everybody who shows no credential, or asks for what it has no scope for. */
  readonly audit?: AuditTrail | undefined;
}

/**
 * Asks everybody for a credential, and for the scope that the table of {@link policy} demands. Who shows one that counts for
 * nothing is told of by who keeps it.
 */
export function authenticate(credentials: CallerOf, parts: AuthenticateParts = {}): Identify {
  const { watchTokens, workers, roles = new RoleTable(), audit } = parts;
  const admitted = (caller: Caller, asked: string, needs: Requirement | undefined): Caller => {
    const refusal = refusalOf(caller, asked, needs, roles);
    if (!refusal) return caller;
    audit?.refused({ actor: caller.principal, action: "call", object: asked, detail: needs ?? "" });
    throw refusal;
  };
  return (sender) => {
    const { asked } = sender;
    const needs = policy.get(asked);
    if (needs === "nothing" || needs === "a token") return ANYBODY;
    const certificate = sender.peer?.certificate;
    const ofWorker = certificate && "worker" in certificate && workers ? certificate : undefined;
    if (ofWorker && workers && needs === "workers:connect") return workerOf(ofWorker, workers, audit);
    const credential = credentialOf(sender, audit);
    // What a request says for itself counts, and not what its connection has shown, which a proxy may share among many.
    const caller =
      credential === undefined
        ? (watcherOf(sender, watchTokens) ?? clientOf(certificate, needs, credentials, audit))
        : credentials.callerOf(credential);
    if (!caller) throw noCredential(sender, ofWorker, audit);
    if (!(caller instanceof Promise)) return admitted(caller, asked, needs);
    return caller.then((found) => admitted(found, asked, needs));
  };
}

/** The caller by a token for one Task, if there is one and the route takes it. */
function watcherOf({ asked, watchToken }: Sender, watchTokens: WatcherOf | undefined): Caller | undefined {
  if (!watchTokens || !watchToken || !watchTokenRoutes.has(asked)) return undefined;
  return watchTokens.callerOf(watchToken.text, watchToken.taskId);
}

/** Why this caller may not; undefined if it may. */
function refusalOf(
  caller: Caller,
  asked: string,
  needs: Requirement | undefined,
  roles: RoleTable,
): Fault | undefined {
  if (!caller.roles.some((role) => roles.has(role))) return roleUnknown(caller);
  if (needs === undefined || !may(caller, needs, roles)) return notAllowed(asked, needs);
  return caller.namespaces !== "*" && ofAllNamespaces.has(asked) ? notForSome(asked) : undefined;
}

/** The caller of a worker's certificate: it may connect, and nothing else. @throws {Fault} `unauthenticated` */
function workerOf(
  certificate: WorkerCredential,
  { streams }: Pick<Enrolment, "streams">,
  audit: AuditTrail | undefined,
): Caller {
  const { worker, serial } = certificate;
  const principal = workerUri(worker);
  const problem = streams.problemOf(certificate);
  if (problem) {
    const object = `certificate ${serial}`;
    audit?.refused({ actor: principal, action: "key.use", object, detail: problem.reason ?? "" });
    throw problem;
  }
  return { principal, namespaces: [worker.namespace], roles: ["worker"], certificate };
}

/** Why a request without a credential is refused: a worker's certificate is known, and is for something else. */
function noCredential(
  { asked }: Sender,
  certificate: WorkerCredential | undefined,
  audit: AuditTrail | undefined,
): Fault {
  const fault = certificate ? onlyForWorkers(asked) : missing();
  const detail = fault.reason ?? "";
  const said = certificate
    ? { actor: workerUri(certificate.worker), action: "call", object: asked, detail }
    : { actor: "anonymous", action: "key.use", object: "none", detail };
  audit?.refused(said);
  return fault;
}

/** The caller of a client's certificate, if it is one: of any role it opens no worker's stream. @throws {Fault} */
function clientOf(
  certificate: CertificateCredential | undefined,
  needs: Requirement | undefined,
  credentials: CallerOf,
  audit: AuditTrail | undefined,
): Caller | undefined {
  if (!certificate || !("client" in certificate)) return undefined;
  const { client, serial } = certificate;
  try {
    if (needs === "workers:connect") throw onlyForClients();
    return credentials.certified?.(certificate);
  } catch (error) {
    const detail = error instanceof Fault ? error.reason : "";
    audit?.refused({ actor: clientUri(client), action: "key.use", object: `certificate ${serial}`, detail });
    throw error;
  }
}

function onlyForClients(): Fault {
  const message =
    "a client's certificate opens no worker's stream: invite the worker, or send it an API key.";
  return new Fault("denied", message, { reason: "CERTIFICATE_OF_CLIENT" });
}

function onlyForWorkers(asked: string): Fault {
  const message = `a worker's certificate is for its stream, and not for ${asked}: send an API key as x-api-key, or as authorization: Bearer KEY.`;
  return new Fault("denied", message, { reason: "CERTIFICATE_OF_WORKER" });
}

function may(caller: Caller, needs: Requirement, roles: RoleTable): boolean {
  if (needs === "nothing" || needs === "a token") return true;
  return needs === "a credential" || roles.allows(caller.roles, needs);
}

/**
 * The credential that a request shows, as `authorization: Bearer` or `x-api-key`. Another scheme of `authorization` is for
 * somebody else, such as a proxy.
 *
 * @throws {Fault} `unauthenticated` if it shows two, or one that is too long
 */
function credentialOf(sender: Sender, audit: AuditTrail | undefined): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(sender.header("authorization") ?? "") ?? [];
  const key = sender.header("x-api-key") || undefined;
  const isAmbiguous = bearer !== undefined && key !== undefined && bearer !== key;
  const credential = bearer ?? key;
  const isLong = credential !== undefined && credential.length > limits.credentialBytes;
  if (!isAmbiguous && !isLong) return credential;
  const fault = isAmbiguous ? ambiguous() : tooLong(credential?.length ?? 0);
  audit?.refused({ actor: "anonymous", action: "key.use", object: "none", detail: fault.reason ?? "" });
  throw fault;
}

function ambiguous(): Fault {
  const message =
    "authorization and x-api-key hold two different credentials: send one of them, or the same in both.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_AMBIGUOUS" });
}

function tooLong(length: number): Fault {
  const message = `the credential has ${length} characters; the longest has ${limits.credentialBytes}.`;
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_INVALID" });
}

/** The configuration of this server has changed since the credential was made. */
function roleUnknown({ principal, roles }: Caller): Fault {
  const message = `${principal} has the role ${roles.join(", ")}, which this server does not have: use another credential.`;
  return new Fault("denied", message, { reason: "ROLE_UNKNOWN" });
}

function missing(): Fault {
  const message =
    "this server asks for a credential: send an API key as x-api-key, or as authorization: Bearer KEY.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_MISSING" });
}

function notForSome(asked: string): Fault {
  const message = `${asked} is of all namespaces: only a credential for all of them may ask for it.`;
  return new Fault("denied", message, { reason: "NAMESPACES_LIMITED" });
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
