import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { limits } from "#limits/index";
import { onAbort } from "#transport/on-abort";
import { readServer, type ServerReading } from "#transport/server";
import { labelsOf } from "./agent/checks.js";
import { stderrLog } from "./agent/log.js";
import { servedAgents } from "./agent/served-agent.js";
import { identityFor } from "./identity/for-serve.js";
import { agentFrames } from "./protocol/agent-frames.js";
import { type Plane, planeAt } from "./protocol/connection.js";
import {
  checkServeOptions,
  checkWorker,
  namespacesOf,
  patientCallback,
  patientLog,
  type ServeOptions,
} from "./serve-options.js";
import { onSignals } from "./signals.js";
import type { WorkerTime } from "./timers.js";
import { onUncaught } from "./uncaught.js";
import { Worker } from "./worker.js";

/** A server whose options were right. */
type KnownServer = Extract<ServerReading, { readonly problem?: undefined }>;

export type { ServeOptions } from "./serve-options.js";

/**
 * A running Worker, returned by {@link serve}.
 *
 * @example Stop after an hour
 * ```ts
 * import { repoReport, serve, type WorkerHandle } from "taskrun/worker";
 *
 * const worker: WorkerHandle = await serve({ agents: [repoReport] });
 * setTimeout(() => void worker.drain("one hour is over"), 3_600_000);
 * await worker.closed; // throws if the server refuses this Worker for good
 * ```
 */
export interface WorkerHandle {
  readonly id: string;
  /**
   * Resolves when the Worker has disconnected after a drain or close. Rejects if the server refuses it for good, for
   * example because of its id, or if other processes keep taking over its id.
   */
  readonly closed: Promise<void>;
  /** Number of Runs that it holds now. */
  readonly activeRuns: number;
  /** Takes no new Runs, finishes those it holds or hands them back after `drainMs`, and disconnects; then resolves. */
  drain(reason?: string): Promise<void>;
  /** Stops every Run and disconnects at once, without reporting anything: the server will treat the Runs as lost. */
  close(): void;
}

/**
 * Runs agents as a Worker until it is drained or closed. Resolves at once; the server need not be reachable yet. With a
 * token it resolves once the Worker is enrolled, and waits for a server that is away. The
 * Worker reconnects whenever the connection is lost, and continues its Runs meanwhile, as long as its lease lasts.
 *
 * @throws {RangeError | TypeError} naming the invalid option
 * @throws {Error} if the server does not enrol it
 *
 * @example
 * ```ts
 * import { agent, serve } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const greet = agent({
 *   name: "greet",
 *   input: z.object({ name: z.string() }),
 *   run: async ({ name }) => ({ greeting: `Hello, ${name}!` }),
 * });
 * const worker = await serve({ agents: [greet], addr: "localhost:50051" });
 * await worker.closed;
 * ```
 */
export async function serve(options: ServeOptions): Promise<WorkerHandle> {
  checkServeOptions(options);
  const server = serverOf(options);
  const identity = await identityFor(server, options);
  if (!identity) return serveOn(planeAt(server.urls, server), options);
  const { worker: id, certificate, trust } = identity;
  const plane = planeAt(server.urls, { ...server, trust, certificate });
  const renew = (withinMs: number) => identity.renewWithin(withinMs);
  const worker = makeWorker(plane, { ...options, id }, undefined, renew);
  identity.start(() => worker.reconnect("its certificate was renewed"));
  return handleOf(worker, { ...options, id }, () => identity.stop());
}

/**
 * Like {@link serve}, on a plane that is reached in another way than by an address.
 *
 * @param time the Worker's clock and chance. Default: this machine's
 * @throws {RangeError | TypeError} naming the invalid option
 */
export function serveOn(plane: Plane, options: ServeOptions, time?: WorkerTime): WorkerHandle {
  checkServeOptions(options);
  const id = options.id ?? inventId();
  return handleOf(makeWorker(plane, { ...options, id }, time), { ...options, id });
}

/** Options of a Worker whose id is known. */
type NamedOptions = ServeOptions & { readonly id: string };

function makeWorker(
  plane: Plane,
  options: NamedOptions,
  time?: WorkerTime,
  renewIdentity?: (withinMs: number) => void,
): Worker {
  const { maxRuns = limits.defaultRunsPerWorker, drainMs = limits.workerDrain, labels = {} } = options;
  const { id } = options;
  checkWorker(id, maxRuns, drainMs);
  const agents = servedAgents(options.agents);

  const log = options.log ? patientLog(options.log) : stderrLog();
  return new Worker({
    plane,
    info: {
      workerId: id,
      hostname: hostname(),
      version: ownVersion(),
      agents: agentFrames(agents, log),
      labels: labelsOf(labels, "labels"),
      maxConcurrentRuns: maxRuns,
      namespaces: namespacesOf(options.namespaces ?? []),
    },
    instance: randomUUID(),
    agents,
    maxRuns,
    drainMs,
    log,
    onConnected: patientCallback(options.onConnected, log),
    ...(time && { time }),
    ...(renewIdentity && { renewIdentity }),
  });
}

/** @param ended called when the Worker has disconnected for good */
function handleOf(worker: Worker, options: NamedOptions, ended = (): void => {}): WorkerHandle {
  const log = options.log ? patientLog(options.log) : stderrLog();
  const leave = (reason: string): void => worker.drain(reason);
  const unhandle = options.handleSignals === false ? () => {} : onSignals(leave);
  const uncatch = options.handleUncaught === true ? onUncaught(log) : () => {};
  const closed = worker.run().finally(() => {
    unhandle();
    uncatch();
    forget();
    ended();
  });
  const forget = onAbort(options.signal, () => leave("aborted"));

  return {
    id: options.id,
    closed,
    get activeRuns() {
      return worker.activeRuns;
    },
    drain: (reason = "asked to") => {
      leave(reason);
      return closed;
    },
    close: () => worker.close(),
  };
}

function serverOf({ addr, ca, caPin, apiKey }: ServeOptions): KnownServer {
  const server = readServer({ addr, ca, caPin, apiKey });
  if (server.problem !== undefined) throw new RangeError(server.problem);
  return server;
}

function inventId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 100);
  return `${host || "worker"}-${randomUUID().slice(0, 8)}`;
}

/** The version of this package, whatever its name; empty in a bundle, which has no manifest of its own. */
function ownVersion(): string {
  try {
    const manifest = createRequire(import.meta.url)("#package.json") as { version: string };
    return manifest.version;
  } catch {
    return "";
  }
}
