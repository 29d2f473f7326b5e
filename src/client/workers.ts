import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { WorkerStatus } from "#domain/worker/worker";
import { workerStatusToWire } from "#wire/convert-enums";
import {
  DrainWorkerRequestSchema,
  GetWorkerRequestSchema,
  ListWorkersRequestSchema,
  WorkerService,
} from "#wire/gen/taskrun/v1/worker_service_pb";
import type { CallControl, Caller } from "./call.js";
import { toWorker } from "./convert.js";
import { namesOf } from "./option-names.js";
import { oneOf, optionsOf, requestOf } from "./request.js";
import type { Worker } from "./worker-views.js";

/**
 * Selects Workers of a list. A Worker must match every field that is given.
 *
 * @example
 * ```ts
 * import { createClient, type WorkerFilter } from "taskrun/client";
 *
 * const filter: WorkerFilter = { agent: "greet", status: "IDLE" };
 * const idle = await createClient().workers.list(filter);
 * ```
 */
export interface WorkerFilter {
  /** Only Workers that serve this agent. */
  readonly agent?: string;
  readonly status?: WorkerStatus;
  /** Only Workers that take Tasks of this namespace. Default: any, whatever the namespace of the client. */
  readonly namespace?: string;
}

const workerFilterNames = namesOf<WorkerFilter>({ agent: true, status: true, namespace: true });

/**
 * Reads and drains the connected Workers. Reached as `client.workers`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { workers } = createClient();
 * for (const { id, activeRuns, maxConcurrentRuns } of await workers.list({ agent: "greet" })) {
 *   console.log(`${id}: ${activeRuns} of ${maxConcurrentRuns} slots taken`);
 * }
 * await workers.drain("WORKER_ID", "new release");
 * ```
 */
export class Workers {
  readonly #wire: Client<typeof WorkerService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(WorkerService, transport);
    this.#caller = caller;
  }

  /** Returns the matching Workers, ordered by id. */
  async list(filter: WorkerFilter = {}, control?: CallControl): Promise<readonly Worker[]> {
    const { agent, status, namespace } = optionsOf(filter, "filter", workerFilterNames);
    const request = requestOf(ListWorkersRequestSchema, {
      ...(agent !== undefined && { agentName: agent }),
      ...(status !== undefined && { status: oneOf(workerStatusToWire, status, "status") }),
      ...(namespace !== undefined && { namespace }),
    });
    const { workers } = await this.#caller.once((o) => this.#wire.listWorkers(request, o), control);
    return workers.map(toWorker);
  }

  /** Returns one Worker. `NOT_FOUND` if it is not connected. */
  async get(id: string, control?: CallControl): Promise<Worker> {
    const request = requestOf(GetWorkerRequestSchema, { workerId: id });
    return toWorker(await this.#caller.once((o) => this.#wire.getWorker(request, o), control));
  }

  /** Stops assigning Runs to the Worker and tells it to finish or hand back those it holds. Idempotent. */
  async drain(id: string, reason = "", control?: CallControl): Promise<Worker> {
    const request = requestOf(DrainWorkerRequestSchema, { workerId: id, reason });
    return toWorker(await this.#caller.once((o) => this.#wire.drainWorker(request, o), control));
  }
}
