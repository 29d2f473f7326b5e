import { unknownName } from "#domain/option-names";
import type { Labels } from "#domain/task/task";
import { isWorkerId, WORKER_ID_FORM } from "#domain/worker/worker-id";
import { limits } from "#limits/index";
import type { Log, LogFields } from "#ports/telemetry";
import type { Agent } from "./agent/agent.js";
import { nameOf } from "./agent/checks.js";
import { kindOf } from "./agent/kind-of.js";
import { isLog } from "./agent/log.js";

/**
 * Options of `serve`. Only `agents` is required.
 *
 * @example
 * ```ts
 * import { agent, type ServeOptions, serve } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const echo = agent({ name: "echo", input: z.looseObject({}), run: async (input) => input });
 * const options: ServeOptions = {
 *   agents: [echo],
 *   addr: "plane.example:50051",
 *   id: "gpu-1",
 *   labels: { gpu: "true" },
 *   maxRuns: 4,
 *   namespaces: ["research"],
 *   onConnected: (session) => console.log(`session ${session}`),
 * };
 * await serve(options);
 * ```
 */
export interface ServeOptions {
  /** At least one, with different names. */
  readonly agents: readonly Agent[];
  /**
   * The server, as `HOST`, `HOST:PORT` or URL; IPv6 as `::1` or `[::1]:50051`. Of a plane of several nodes any number of them, as
   * a list or with commas between: the Worker connects to one, and to another one when that fails. Default: the variable
   * `TASKRUN_ADDR`, else `localhost:50051`.
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
  /** An API key with the role `worker`, for servers that ask for one. Default: the variable `TASKRUN_API_KEY`. */
  readonly apiKey?: string;
  /**
   * The token of an invitation, as `taskrun worker invite` prints it: the Worker enrols, and is known by its certificate from then on. A
   * server is never sent it before its authority was checked, which `ca` or `caPin` must name. Default: the variable `TASKRUN_TOKEN`.
   */
  readonly token?: string;
  /**
   * Folder in which an enrolled Worker keeps its key and certificate, made for this user alone. With an identity in it no token is
   * needed. Default: the variable `TASKRUN_IDENTITY_DIR`, else `.taskrun/workers/` and the id of the token.
   */
  readonly identityDir?: string;
  /** Identifies this Worker; 1 to 256 letters, digits, `-`, `_`, `.` or `:`. Default: the name of its invitation, else the host's name and a random suffix. */
  readonly id?: string;
  /** Matched by the `worker_selector` of Tasks. */
  readonly labels?: Labels;
  /** Concurrent Runs, 1 to 1024. Default 10. */
  readonly maxRuns?: number;
  /** Namespaces whose Runs it takes. Default: all. */
  readonly namespaces?: readonly string[];
  /** Aborting it drains the Worker. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a drain waits for Runs before it hands them back. Default 20 000. */
  readonly drainMs?: number;
  /** Whether SIGTERM and SIGINT drain the Worker, and a second one ends the process. Default true. */
  readonly handleSignals?: boolean;
  /**
   * Whether uncaught errors and unhandled rejections are logged instead of ending the process, and with it the Runs of
   * all other agents. Applies to the whole process. Default false.
   */
  readonly handleUncaught?: boolean;
  /** Called after each (re)connection, with the id of the new session. */
  readonly onConnected?: (session: string) => void;
  /** Default: stderr, one JSON object a line, or a readable line if stderr is a terminal. */
  readonly log?: Log;
}

const names = Object.keys({
  agents: true,
  addr: true,
  ca: true,
  caPin: true,
  apiKey: true,
  token: true,
  identityDir: true,
  id: true,
  labels: true,
  maxRuns: true,
  namespaces: true,
  signal: true,
  drainMs: true,
  handleSignals: true,
  handleUncaught: true,
  onConnected: true,
  log: true,
} satisfies Record<keyof ServeOptions, true>);

/**
 * Checks the options of a worker that are not checked where they are used.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 */
export function checkServeOptions(options: ServeOptions): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`options is ${kindOf(options)}: send an object, such as { agents: [greet] }`);
  }
  const unknown = unknownName(options, names);
  if (unknown !== undefined) throw new TypeError(`options ${unknown}`);
  const { agents, signal, handleSignals, handleUncaught, onConnected, log } = options;
  if (!Array.isArray(agents)) throw new TypeError(`agents is ${kindOf(agents)}: send a list of agents`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${kindOf(signal)}, not an AbortSignal`);
  }
  for (const [name, value] of Object.entries({ handleSignals, handleUncaught })) {
    if (value === undefined || typeof value === "boolean") continue;
    throw new TypeError(`${name} is ${kindOf(value)}, not true or false`);
  }
  if (onConnected !== undefined && typeof onConnected !== "function") {
    throw new TypeError(`onConnected is ${kindOf(onConnected)}, not a function`);
  }
  if (log !== undefined && !isLog(log)) {
    throw new TypeError(`log is ${kindOf(log)}: send an object with debug, info, warn and error`);
  }
}

/** @throws {RangeError | TypeError} naming what is wrong */
export function checkWorker(id: string, maxRuns: number, drainMs: number): void {
  if (typeof id !== "string") throw new TypeError(`id is ${kindOf(id)}, not ${WORKER_ID_FORM}`);
  if (!isWorkerId(id))
    throw new RangeError(`id ${JSON.stringify(id.slice(0, 300))} is not ${WORKER_ID_FORM}`);
  if (!Number.isInteger(maxRuns) || maxRuns < 1 || maxRuns > limits.maxRunsPerWorker) {
    throw new RangeError(`maxRuns is ${maxRuns}, not a whole number from 1 to ${limits.maxRunsPerWorker}`);
  }
  if (typeof drainMs !== "number" || !(drainMs >= 0)) {
    throw new RangeError(`drainMs is ${drainMs}, not a number of milliseconds`);
  }
}

export function namespacesOf(namespaces: readonly string[]): string[] {
  if (!Array.isArray(namespaces)) {
    throw new TypeError(`namespaces is ${kindOf(namespaces)}: send a list of names`);
  }
  if (namespaces.length > limits.namespacesPerWorker) {
    const most = `a worker works for ${limits.namespacesPerWorker}`;
    throw new RangeError(`namespaces has ${namespaces.length} entries; ${most} at most: name fewer, or none`);
  }
  return namespaces.map((namespace, i) => {
    if (namespace !== "") return nameOf(namespace, `namespaces[${i}]`);
    throw new RangeError(`namespaces[${i}] is empty: name a namespace, or leave namespaces out for all`);
  });
}

/** The log, of which an entry that cannot be written is lost, and harms nothing else. */
export function patientLog(log: Log): Log {
  const at = (level: keyof Log) => (message: string, fields?: LogFields) => {
    try {
      log[level](message, fields);
    } catch {
      // There is nowhere to report it.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** The callback, whose errors are logged: they are no reason to connect again. */
export function patientCallback(call: ServeOptions["onConnected"], log: Log): (session: string) => void {
  return (session) => {
    // The callback may be async, though nobody waits for it.
    const called = (async () => call?.(session))();
    called.catch((err: unknown) => log.error("onConnected has thrown", { err }));
  };
}
