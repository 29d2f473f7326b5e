import { getUsage, type UsageGroup, type UsagePage, usageKeys } from "#api/usage/get-usage";
import { UnknownWord } from "#api/validate";
import { usageToWire } from "#wire/convert-usage";
import {
  type GetUsageRequest,
  type GetUsageResponse,
  UsageService,
  type UsageSum,
} from "#wire/gen/taskrun/v1/usage_service_pb";
import { unary } from "../rpc.js";

/** The UsageService: what agents have used of models. */
export const usageService = [unary(UsageService.method.getUsage, getUsage, asked, pageToWire)];

function asked({ groupBy, ...request }: GetUsageRequest) {
  return { ...request, groupBy: groupBy.map(keyWord) };
}

function keyWord(word: string) {
  const unknown = `is "${word.slice(0, 64)}"; it is one of ${usageKeys.join(", ")}.`;
  return usageKeys.find((key) => key === word) ?? new UnknownWord(unknown);
}

function pageToWire({ sums, nextPageToken, total }: UsagePage): GetUsageResponse {
  return {
    $typeName: "taskrun.v1.GetUsageResponse",
    sums: sums.map(sumToWire),
    nextPageToken,
    ...(total && { total: usageToWire(total) }),
  };
}

function sumToWire({ dayMs, namespace, agentName, model, used }: UsageGroup): UsageSum {
  const usage = usageToWire(used);
  return { $typeName: "taskrun.v1.UsageSum", dayMs: BigInt(dayMs), namespace, agentName, model, usage };
}
