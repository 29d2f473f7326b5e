import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { WorkerStatus } from "#domain/worker";
import { workerStatusToWire } from "#wire/convert-enums";
import { WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import type { CallControl, Caller } from "./call.js";
import { toWorker } from "./convert.js";
import type { Worker } from "./views.js";

export interface WorkerFilter {
  readonly agent?: string;
  readonly status?: WorkerStatus;
}

/** Reads and directs the Workers that are connected now. Every method throws `TaskRunError`. */
export class Workers {
  readonly #wire: Client<typeof WorkerService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(WorkerService, transport);
    this.#caller = caller;
  }

  /** Those that fit the filter, in the order of their ids. None is an empty list. */
  async list({ agent, status }: WorkerFilter = {}, control?: CallControl): Promise<readonly Worker[]> {
    const request = {
      ...(agent !== undefined && { agentName: agent }),
      ...(status !== undefined && { status: workerStatusToWire[status] }),
    };
    const { workers } = await this.#caller.once((o) => this.#wire.listWorkers(request, o), control);
    return workers.map(toWorker);
  }

  async get(id: string, control?: CallControl): Promise<Worker> {
    return toWorker(await this.#caller.once((o) => this.#wire.getWorker({ workerId: id }, o), control));
  }

  /** Gives the Worker nothing new and lets it finish or hand back what it holds. May be called again. */
  async drain(id: string, reason = "", control?: CallControl): Promise<Worker> {
    const request = { workerId: id, reason };
    return toWorker(await this.#caller.once((o) => this.#wire.drainWorker(request, o), control));
  }
}
