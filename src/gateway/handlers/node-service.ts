import { listNodes } from "#api/nodes/list-nodes";
import type { NodeView } from "#domain/node";
import { nodeToWire } from "#wire/convert-node";
import { type ListNodesResponse, NodeService } from "#wire/gen/taskrun/v1/node_service_pb";
import { unary } from "../rpc.js";

/** The NodeService: operators see which servers share the store. */
export const nodeService = [unary(NodeService.method.listNodes, listNodes, () => ({}), list)];

function list(nodes: readonly NodeView[]): ListNodesResponse {
  return { $typeName: "taskrun.v1.ListNodesResponse", nodes: nodes.map(nodeToWire) };
}
