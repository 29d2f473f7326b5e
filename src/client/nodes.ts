import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { NodeState } from "#domain/node";
import { nodeStateFromWire } from "#wire/convert-node";
import {
  ListNodesRequestSchema,
  NodeService,
  type Node as WireNode,
} from "#wire/gen/taskrun/v1/node_service_pb";
import type { CallControl, Caller } from "./call.js";
import { requestOf } from "./request.js";

/**
 * A server of the plane, as those that share its store see it.
 *
 * @example
 * ```ts
 * import { createClient, type PlaneNode } from "taskrun/client";
 *
 * const nodes: readonly PlaneNode[] = await createClient().nodes.list();
 * const gone = nodes.filter(({ state }) => state === "lost");
 * ```
 */
export interface PlaneNode {
  readonly id: string;
  /** `lost`: its lease has ended. `left`: it has stopped by itself. */
  readonly state: NodeState | "unspecified";
  readonly version: string;
  readonly hostname: string;
  /** Its first gRPC listener; empty if it has none of a fixed port. */
  readonly address: string;
  readonly startedAtMs: number;
  /** When its lease ends, or has ended; 0 where the store is one server's. */
  readonly leaseUntilMs: number;
  /** The node that has taken over its Runs; empty while none has. */
  readonly takenBy: string;
  readonly workers: number;
  readonly runs: number;
}

/**
 * Lists the servers that share a store. Reached as `client.nodes`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { nodes } = createClient();
 * for (const { id, state, workers, runs } of await nodes.list()) {
 *   console.log(`${id} is ${state}: ${workers} workers, ${runs} runs`);
 * }
 * ```
 */
export class Nodes {
  readonly #wire: Client<typeof NodeService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(NodeService, transport);
    this.#caller = caller;
  }

  /** Returns all nodes that are known: live ones first, then the latest start first. */
  async list(control?: CallControl): Promise<readonly PlaneNode[]> {
    const request = requestOf(ListNodesRequestSchema, {});
    const { nodes } = await this.#caller.once((o) => this.#wire.listNodes(request, o), control);
    return nodes.map(toNode);
  }
}

function toNode(node: WireNode): PlaneNode {
  return {
    id: node.id,
    state: nodeStateFromWire(node.state) ?? "unspecified",
    version: node.version,
    hostname: node.hostname,
    address: node.address,
    startedAtMs: Number(node.startedAtMs),
    leaseUntilMs: Number(node.leaseUntilMs),
    takenBy: node.takenBy,
    workers: node.workers,
    runs: node.runs,
  };
}
