import { Fault } from "./fault.js";
import type { NodeId } from "./id.js";
import type { Instant } from "./time/time.js";

/** What a node says of itself when it joins the others over one store. */
export interface NodeInfo {
  /** Drawn at the start of the node, and never used again. */
  readonly id: NodeId;
  /** The release that it runs. */
  readonly version: string;
  readonly hostname: string;
  /** Where clients and workers reach it; empty if it says nothing of that. */
  readonly address: string;
}

/**
 * Whether a node is at work. `live`: its lease goes on. `draining`: it goes on, too, and the node is about to leave. `lost`: its
 * lease has ended. `left`: it has gone by itself. Of the latter two the Runs are taken over.
 */
export const nodeStates = ["live", "draining", "lost", "left"] as const;
export type NodeState = (typeof nodeStates)[number];

/** A node as the others see it. All instants are by the clock of the store. */
export interface NodeView extends NodeInfo {
  readonly state: NodeState;
  readonly startedAt: Instant;
  /** When its lease ends, or has ended. */
  readonly leaseUntil: Instant;
  /** The node that has taken over its Runs; empty while none has. */
  readonly takenBy: NodeId | "";
  /** Workers whose stream it has. */
  readonly workers: number;
  /** Runs that name it and are held by a worker. */
  readonly runs: number;
}

/**
 * This node has lost its place among the others: its lease has ended and another one has taken over, or it has left. It writes
 * nothing more, and must end.
 */
export class NodeGone extends Fault {
  constructor(node: NodeId) {
    const message = `node ${node} has lost its lease, and others have taken over: it writes nothing more. Start it again`;
    super("wrong_state", message, { reason: "NODE_GONE" });
  }
}
