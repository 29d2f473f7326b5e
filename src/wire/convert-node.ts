import type { NodeState, NodeView } from "#domain/node";
import { type Node, NodeState as WireNodeState } from "./gen/taskrun/v1/node_service_pb.js";

/** The wire's number of each state. */
const nodeStateToWire = {
  live: WireNodeState.LIVE,
  draining: WireNodeState.DRAINING,
  lost: WireNodeState.LOST,
  left: WireNodeState.LEFT,
} as const satisfies Record<NodeState, WireNodeState>;

const states = new Map<WireNodeState, NodeState>(
  (Object.entries(nodeStateToWire) as [NodeState, WireNodeState][]).map(([state, number]) => [number, state]),
);

export function nodeToWire(node: NodeView): Node {
  return {
    $typeName: "taskrun.v1.Node",
    id: node.id,
    state: nodeStateToWire[node.state],
    version: node.version,
    hostname: node.hostname,
    address: node.address,
    startedAtMs: BigInt(node.startedAt),
    leaseUntilMs: BigInt(node.leaseUntil),
    takenBy: node.takenBy,
    workers: node.workers,
    runs: node.runs,
  };
}

/** Undefined for a number that a later release has added. */
export function nodeStateFromWire(number: WireNodeState): NodeState | undefined {
  return states.get(number);
}
