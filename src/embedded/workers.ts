import type { Transport } from "@connectrpc/connect";
import type { Log } from "#ports/telemetry";
import { sharedConnection } from "#transport/shared";
import type { WorkerHandle } from "#worker/index";
import { serveOn } from "#worker/serve";
import type { WorkerOptions } from "./options.js";
import { optionsOf } from "./values.js";

interface LocalWorkersParts {
  readonly transport: Transport;
  readonly log: Log;
  readonly drainMs: number;
}

/** The workers of a plane in its own process. */
export class LocalWorkers {
  readonly #parts: LocalWorkersParts;
  readonly #open = new Set<WorkerHandle>();
  #count = 0;
  #isStopping = false;

  constructor(parts: LocalWorkersParts) {
    this.#parts = parts;
  }

  /** Resolves once the worker is connected. @throws if an option is wrong, or the plane refuses the worker */
  async serve(given: WorkerOptions): Promise<WorkerHandle> {
    if (this.#isStopping) throw new Error("the plane is stopping, or has stopped: start another one.");
    const options = optionsOf(given, "options", workerOptionNames);
    const { transport, ...defaults } = this.#parts;
    let connected = () => {};
    const first = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const plane = { addr: "this process", connect: () => sharedConnection(transport) };
    const worker = serveOn(plane, {
      ...defaults,
      // The same in every process that runs this plane: it takes over the Runs of a process that was killed, at once.
      id: `in-process-${this.#count + 1}`,
      ...options,
      handleSignals: false,
      handleUncaught: false,
      onConnected: (session) => {
        connected();
        options.onConnected?.(session);
      },
    });
    this.#count += 1;
    this.#open.add(worker);
    const forget = () => void this.#open.delete(worker);
    worker.closed.then(forget, (error: unknown) => {
      forget();
      defaults.log.error("a worker in this process has ended", { workerId: worker.id, err: error });
    });
    await Promise.race([first, worker.closed]);
    return worker;
  }

  /** Drains all of them, and from now on serves no more. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const drained = [...this.#open].map((worker) => worker.drain("the plane is stopping"));
    // Why a worker has ended badly was logged when it did.
    await Promise.all(drained.map((each) => each.catch(() => undefined)));
  }
}

/** Every option of a worker in this process. */
export const workerOptionNames = [
  "agents",
  "id",
  "labels",
  "maxRuns",
  "namespaces",
  "signal",
  "drainMs",
  "onConnected",
  "log",
] as const satisfies readonly (keyof WorkerOptions)[];
