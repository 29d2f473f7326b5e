import type { UsageFilter, UsageSum } from "#ports/usage-sums";

/** Names a sum among all. */
export function usageKey({ namespace, day, agentName, model }: Omit<UsageSum, "used">): string {
  return JSON.stringify([namespace, day, agentName, model]);
}

/** True if a filter asks for the sum. */
export function fitsUsage(
  { namespaces, agentName, model, from, until }: UsageFilter,
  sum: UsageSum,
): boolean {
  return (
    sum.day >= from &&
    sum.day < until &&
    (namespaces === "*" || namespaces.includes(sum.namespace)) &&
    (agentName === undefined || sum.agentName === agentName) &&
    (model === undefined || sum.model === model)
  );
}
