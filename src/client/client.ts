import { limits } from "#limits/index";
import { LOCAL_ADDR } from "#transport/address";
import type { Connection } from "#transport/connection";
import { readServer } from "#transport/server";
import { connectTo, serversAt } from "#transport/several";
import { Agents } from "./agents.js";
import { Audit } from "./audit.js";
import { AuthorityClient } from "./authority.js";
import { Caller } from "./call.js";
import { DeadLetters } from "./dead-letters.js";
import { Enrollment } from "./enrollment.js";
import { TaskRunError } from "./error.js";
import { Keys } from "./keys.js";
import { Nodes } from "./nodes.js";
import { namesOf } from "./option-names.js";
import { Pauses } from "./pauses.js";
import { optionsOf, wrongArgument } from "./request.js";
import { Tasks } from "./tasks.js";
import { Templates } from "./templates.js";
import { UsageClient } from "./usage.js";
import { Workers } from "./workers.js";

/** The gRPC address of a control plane on this machine. */
export const DEFAULT_ADDR = LOCAL_ADDR;

/**
 * Options of {@link createClient}.
 *
 * @example
 * ```ts
 * import { type ClientOptions, createClient } from "taskrun/client";
 *
 * const options: ClientOptions = { addr: "plane.example:50051", namespace: "billing", timeoutMs: 5_000 };
 * const client = createClient(options);
 * ```
 */
export interface ClientOptions {
  /**
   * The server, as `HOST`, `HOST:PORT` or URL of a gRPC listener; IPv6 as `::1` or `[::1]:50051`. Of a plane of several nodes
   * any number of them, as a list or with commas between: the client uses one, and another one when that fails. Default: the
   * variable `TASKRUN_ADDR`, else `localhost:50051`.
   */
  readonly addr?: string | readonly string[];
  /**
   * Authorities that may vouch for the server, as PEM or the path of a file; TLS is meant then. Default: the variable
   * `TASKRUN_CA`, else those that Node trusts.
   */
  readonly ca?: string;
  /**
   * The pin of the server's authority, as the server prints it: `sha256:` and 64 hex digits. It is checked before anything
   * is sent. Default: the variable `TASKRUN_CA_PIN`.
   */
  readonly caPin?: string;
  /** An API key, for servers that ask for one. Default: the variable `TASKRUN_API_KEY`. */
  readonly apiKey?: string;
  /**
   * A certificate for servers that know clients by one, followed by those that lead to its authority, as PEM or the path of a file; TLS is
   * meant then. An `apiKey` beside it is what counts. A file is read again when it has changed. Default: the variable `TASKRUN_CERT`.
   */
  readonly cert?: string;
  /** The key of that certificate, as PEM or the path of a file. Default: the variable `TASKRUN_CERT_KEY`. */
  readonly certKey?: string;
  /** Namespace of requests that name none: new Tasks, lists, templates. Default: left to the server. */
  readonly namespace?: string;
  /** Milliseconds after which an attempt of a unary call fails with `DEADLINE_EXCEEDED`; 0 is no limit. Default 10 000. */
  readonly timeoutMs?: number;
}

const clientNames = namesOf<ClientOptions>({
  addr: true,
  ca: true,
  caPin: true,
  apiKey: true,
  cert: true,
  certKey: true,
  namespace: true,
  timeoutMs: true,
});

/**
 * A client of one control plane. Safe for concurrent calls; call {@link TaskRunClient.close} when it is no longer
 * needed, because an open connection keeps the process alive.
 *
 * @example
 * ```ts
 * import { createClient, type TaskRunClient } from "taskrun/client";
 *
 * async function report(client: TaskRunClient): Promise<void> {
 *   for await (const task of client.tasks.list({ status: "FAILED" })) console.log(task.id, task.errorMessage);
 * }
 *
 * const client = createClient();
 * await report(client);
 * client.close();
 * ```
 */
export interface TaskRunClient {
  readonly tasks: Tasks;
  readonly workers: Workers;
  readonly agents: Agents;
  readonly templates: Templates;
  readonly keys: Keys;
  readonly enrollment: Enrollment;
  readonly nodes: Nodes;
  readonly deadLetters: DeadLetters;
  readonly pauses: Pauses;
  readonly usage: UsageClient;
  readonly audit: Audit;
  readonly authority: AuthorityClient;
  /** Closes the connection. Calls and watches in progress fail. Idempotent. */
  close(): void;
}

/**
 * Creates a client of the control plane at `addr`. It connects at the first call, and again after a lost connection; of several
 * addresses to the next one that answers.
 *
 * Calls share a connection, on which a server allows 100 at once; further connections are opened when one is full.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT` if an option is wrong
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const client = createClient({ addr: "localhost:50051" });
 * const result = await client.tasks.run({ agent: "support_triage", input: { query: "I was charged twice" } });
 * console.log(result);
 * client.close();
 * ```
 */
export function createClient(options: ClientOptions = {}): TaskRunClient {
  const { addr, ca, caPin, apiKey: given, cert, certKey } = optionsOf(options, "options", clientNames);
  const plane = readServer({ addr, ca, caPin, apiKey: given, certificate: { cert, certKey } });
  if (plane.problem !== undefined) throw wrongOption(plane.field, plane.problem);
  const { urls, trust, apiKey, certificate } = plane;
  const servers = serversAt(urls, trust);
  const bounds = { pingMs: limits.keepalivePing, readMaxBytes: limits.answerBytes };
  const shown = { certificate, followsCertificate: true };
  return clientOn(() => connectTo(servers, { ...bounds, trust, apiKey, ...shown }), options);
}

/**
 * Like {@link createClient}, over a connection that is made in another way than by an address.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT` if an option is wrong
 */
export function clientOn(connection: () => Connection, options: Omit<ClientOptions, "addr">): TaskRunClient {
  const { namespace, caller } = checkedClient(options);
  const { transport, close } = connection();

  return {
    tasks: new Tasks(transport, caller, namespace),
    workers: new Workers(transport, caller),
    agents: new Agents(transport, caller, namespace),
    templates: new Templates(transport, caller, namespace),
    keys: new Keys(transport, caller),
    enrollment: new Enrollment(transport, caller),
    nodes: new Nodes(transport, caller),
    deadLetters: new DeadLetters(transport, caller, namespace),
    pauses: new Pauses(transport, caller, namespace),
    usage: new UsageClient(transport, caller, namespace),
    audit: new Audit(transport, caller),
    authority: new AuthorityClient(transport, caller),
    close,
  };
}

/** @throws {TaskRunError} `INVALID_ARGUMENT` if an option is wrong */
export function checkedClient(options: ClientOptions): {
  readonly namespace: string;
  readonly caller: Caller;
} {
  const { namespace = "", timeoutMs = limits.callTimeout } = optionsOf(options, "options", clientNames);
  if (typeof namespace === "string") return { namespace, caller: new Caller(timeoutMs) };
  throw wrongArgument("namespace", `is ${typeof namespace}; send a string.`);
}

function wrongOption(field: string, description: string): TaskRunError {
  const violations = [{ field, description }];
  return new TaskRunError("INVALID_ARGUMENT", description, { reason: "INVALID_ARGUMENT", violations });
}
