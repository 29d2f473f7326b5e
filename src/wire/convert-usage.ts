import type { Usage } from "#domain/task/usage";
import type * as wire from "./gen/taskrun/v1/task_service_pb.js";

/**
 * @param late of these what came after the end of the Task that used it
 * @param wallMs how long Runs were held, where a budget bounds that
 */
export function usageToWire(used: Usage, late?: Usage, wallMs = 0): wire.Usage {
  return {
    $typeName: "taskrun.v1.Usage",
    inputTokens: BigInt(used.inputTokens),
    outputTokens: BigInt(used.outputTokens),
    cachedTokens: BigInt(used.cachedTokens),
    toolCalls: BigInt(used.toolCalls),
    usdMicros: BigInt(used.usdMicros),
    unpricedTokens: BigInt(used.unpricedTokens),
    reports: BigInt(used.reports),
    wallMs: BigInt(wallMs),
    ...(late && { late: usageToWire(late) }),
  };
}
