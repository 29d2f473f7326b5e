import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import type { Log } from "#ports/telemetry";
import type { Agent } from "./agent.js";
import { labelsOf, nameOf } from "./checks.js";
import { planeUrl } from "./connection.js";
import { backendFrame } from "./frames.js";
import { stderrLog } from "./log.js";
import { servedAgents } from "./served-agent.js";
import { onSignals } from "./signals.js";
import { onUncaught } from "./uncaught.js";
import { Worker } from "./worker.js";

export interface ServeOptions {
  readonly agents: readonly Agent[];
  /** The plane, as `HOST:PORT` or a URL. Default: `TASKRUN_ADDR`, else `localhost:50051`. */
  readonly addr?: string;
  /** Names this worker among all others: letters, digits, `-`, `_`. Default: the host's name and a random part. */
  readonly id?: string;
  /** What a task's `worker_selector` is compared with. */
  readonly labels?: Labels;
  /** Runs at a time, 1 to 1024. Default 10. */
  readonly maxRuns?: number;
  /** Namespaces to work for. Default: `default` alone. */
  readonly namespaces?: readonly string[];
  /** Aborting it drains the worker. */
  readonly signal?: AbortSignal;
  /** How long a drain waits for runs to finish before it hands them back. Default 20 s. */
  readonly drainMs?: number;
  /** SIGTERM and SIGINT drain the worker; a second one ends the process. Default true. */
  readonly handleSignals?: boolean;
  /**
   * Errors that agents leave where nobody catches them, such as a rejected promise that nobody awaits, are logged and
   * the process goes on. For the whole process: Node would end it. Default false.
   */
  readonly handleUncaught?: boolean;
  /** Called at every welcome, with the name of the new session. */
  readonly onConnected?: (session: string) => void;
  /** Default: stderr, one JSON object a line, or a readable line where stderr is a terminal. */
  readonly log?: Log;
}

/** A worker at work. */
export interface WorkerHandle {
  readonly id: string;
  /**
   * Resolves when the worker has left. Rejects if the plane refuses it for good, for example because of its id, or if
   * other processes have taken over its id again and again.
   */
  readonly closed: Promise<void>;
  /** Runs in hand now. */
  readonly activeRuns: number;
  /** Takes nothing new, finishes or hands back what it holds, and leaves. Resolves when it has. */
  drain(reason?: string): Promise<void>;
  /** Stops every run and leaves at once: the plane hears nothing more, and takes the runs for lost. */
  close(): void;
}

/**
 * Serves the agents' runs until drained: connects, reconnects whenever the connection is lost, and keeps
 * its runs meanwhile, as long as their lease lasts. Resolves at once; the plane need not be up yet.
 *
 * @throws {RangeError | TypeError} naming the option that cannot be
 */
export async function serve(options: ServeOptions): Promise<WorkerHandle> {
  const { maxRuns = limits.defaultRunsPerWorker, drainMs = limits.workerDrain, labels = {} } = options;
  const id = options.id ?? inventId();
  check(id, maxRuns, drainMs);
  const agents = servedAgents(options.agents);

  const log = options.log ?? stderrLog();
  const worker = new Worker({
    url: planeUrl(options.addr ?? process.env.TASKRUN_ADDR ?? "localhost:50051"),
    info: {
      workerId: id,
      hostname: hostname(),
      version: ownVersion(),
      agents: agents.map(({ name, description, labels, backends }) => {
        return { name, description, labels, backends: backends.map(backendFrame) };
      }),
      labels: labelsOf(labels, "labels"),
      maxConcurrentRuns: maxRuns,
      namespaces: namespacesOf(options.namespaces ?? []),
    },
    instance: randomUUID(),
    agents,
    maxRuns,
    drainMs,
    log,
    onConnected: options.onConnected ?? (() => {}),
  });

  const leave = (reason: string): void => worker.drain(reason);
  const unhandle = options.handleSignals === false ? () => {} : onSignals(leave);
  const uncatch = options.handleUncaught === true ? onUncaught(log) : () => {};
  const aborted = (): void => leave("aborted");
  options.signal?.addEventListener("abort", aborted, { once: true });
  const closed = worker.run().finally(() => {
    unhandle();
    uncatch();
    options.signal?.removeEventListener("abort", aborted);
  });
  if (options.signal?.aborted) aborted();

  return {
    id,
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

function check(id: string, maxRuns: number, drainMs: number): void {
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(id)) {
    throw new RangeError(`id "${id}" is not 1 to 256 letters, digits, "-" or "_"`);
  }
  if (!Number.isInteger(maxRuns) || maxRuns < 1 || maxRuns > limits.maxRunsPerWorker) {
    throw new RangeError(`maxRuns is ${maxRuns}, not a whole number from 1 to ${limits.maxRunsPerWorker}`);
  }
  if (!(drainMs >= 0)) throw new RangeError(`drainMs is ${drainMs}, not a number of milliseconds`);
}

function namespacesOf(namespaces: readonly string[]): string[] {
  if (namespaces.length > limits.namespacesPerWorker) {
    const most = `a worker works for ${limits.namespacesPerWorker}`;
    throw new RangeError(`namespaces has ${namespaces.length} entries; ${most} at most: name fewer, or none`);
  }
  return namespaces.map((namespace, i) => nameOf(namespace, `namespaces[${i}]`));
}

function inventId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 100);
  return `${host || "worker"}-${randomUUID().slice(0, 8)}`;
}

function ownVersion(): string {
  const manifest = createRequire(import.meta.url)("taskrun/package.json") as { version: string };
  return manifest.version;
}
