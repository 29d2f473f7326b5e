import type { Budget } from "#domain/task/budget";
import type * as wire from "./gen/taskrun/v1/task_service_pb.js";

export function budgetToWire({ tokens, usdMicros, toolCalls, wallMs }: Budget): wire.Budget {
  return {
    $typeName: "taskrun.v1.Budget",
    tokens: BigInt(tokens),
    usdMicros: BigInt(usdMicros),
    toolCalls: BigInt(toolCalls),
    wallMs: BigInt(wallMs),
  };
}
