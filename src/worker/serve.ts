import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import type { Log } from "#ports/telemetry";
import type { Agent } from "./agent.js";
import { checkMetadata } from "./checks.js";
import { planeUrl } from "./connection.js";
import { backendFrame } from "./frames.js";
import { stderrLog } from "./log.js";
import { onSignals } from "./signals.js";
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
  /** Called at every welcome, with the name of the new session. */
  readonly onConnected?: (session: string) => void;
  /** Default: stderr, one JSON object a line, or a readable line where stderr is a terminal. */
  readonly log?: Log;
}

/** A worker at work. */
export interface WorkerHandle {
  readonly id: string;
  /** Resolves when the worker has left. Rejects if the plane refuses it for good, for example because of its id. */
  readonly closed: Promise<void>;
  /** Runs in hand now. */
  readonly activeRuns: number;
  /** Takes nothing new, finishes or hands back what it holds, and leaves. Resolves when it has. */
  drain(reason?: string): Promise<void>;
  /** Stops every run and leaves at once: the plane hears nothing more, and takes the runs for lost. */
  close(): void;
}

/** Finishing usually takes less; what takes longer is better begun anew elsewhere. */
const DRAIN_MS = 20_000;

/**
 * Serves the agents' runs until drained: connects, reconnects whenever the connection is lost, and keeps
 * its runs meanwhile, as long as their lease lasts. Resolves at once; the plane need not be up yet.
 *
 * @throws {RangeError} naming the option that cannot be
 */
export async function serve(options: ServeOptions): Promise<WorkerHandle> {
  const { agents, maxRuns = limits.defaultRunsPerWorker, drainMs = DRAIN_MS, labels = {} } = options;
  const id = options.id ?? inventId();
  check(options, id, maxRuns, drainMs);

  const worker = new Worker({
    url: planeUrl(options.addr ?? process.env.TASKRUN_ADDR ?? "localhost:50051"),
    info: {
      workerId: id,
      hostname: hostname(),
      version: ownVersion(),
      agents: agents.map(({ name, description, labels, backends }) => {
        return { name, description, labels, backends: backends.map(backendFrame) };
      }),
      labels,
      maxConcurrentRuns: maxRuns,
      namespaces: [...(options.namespaces ?? [])],
    },
    instance: randomUUID(),
    agents,
    maxRuns,
    drainMs,
    log: options.log ?? stderrLog(),
    onConnected: options.onConnected ?? (() => {}),
  });

  const leave = (reason: string): void => worker.drain(reason);
  const unhandle = options.handleSignals === false ? () => {} : onSignals(leave);
  const aborted = (): void => leave("aborted");
  options.signal?.addEventListener("abort", aborted, { once: true });
  const closed = worker.run().finally(() => {
    unhandle();
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

function check({ agents, labels = {} }: ServeOptions, id: string, maxRuns: number, drainMs: number): void {
  if (agents.length === 0) throw new RangeError("agents is empty: a worker without agents has nothing to do");
  const names = new Set(agents.map(({ name }) => name));
  if (names.size < agents.length)
    throw new RangeError("agents has two of the same name; tasks could not tell them apart");
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(id)) {
    throw new RangeError(`id "${id}" is not 1 to 256 letters, digits, "-" or "_"`);
  }
  if (!Number.isInteger(maxRuns) || maxRuns < 1 || maxRuns > limits.maxRunsPerWorker) {
    throw new RangeError(`maxRuns is ${maxRuns}, not a whole number from 1 to ${limits.maxRunsPerWorker}`);
  }
  if (!(drainMs >= 0)) throw new RangeError(`drainMs is ${drainMs}, not a number of milliseconds`);
  checkMetadata(labels);
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
