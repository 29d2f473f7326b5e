import type { Usage } from "#domain/task/usage";
import type { UsageFilter, UsageSum } from "#ports/usage-sums";
import type { Calls } from "../connect/calls.js";

const statement = {
  name: "usage-sums",
  text: `SELECT namespace, day, agent_name, model,
      input_tokens, output_tokens, cached_tokens, tool_calls, usd_micros, unpriced_tokens, reports
    FROM usage_sums
    WHERE ($1::text[] IS NULL OR namespace = ANY ($1::text[])) AND day >= $2::int AND day < $3::int
      AND ($4::text IS NULL OR agent_name = $4) AND ($5::text IS NULL OR model = $5)
    ORDER BY namespace, day, agent_name, model LIMIT $6::bigint`,
} as const;

/** What was used, in the order of the keys. */
export async function readUsage(
  calls: Calls,
  filter: UsageFilter,
  most: number,
): Promise<readonly UsageSum[]> {
  const { namespaces, agentName = null, model = null, from, until } = filter;
  const names = namespaces === "*" ? null : namespaces;
  const found = await calls.query(statement, [names, from, until, agentName, model, most]);
  return found.map(([namespace, day, agent, named, ...numbers]) => ({
    ...{ namespace: String(namespace), day: Number(day), agentName: String(agent), model: String(named) },
    used: usageFrom(numbers.map(Number)),
  }));
}

function usageFrom(numbers: readonly number[]): Usage {
  const [inputTokens = 0, outputTokens = 0, cachedTokens = 0, toolCalls = 0, ...costs] = numbers;
  const [usdMicros = 0, unpricedTokens = 0, reports = 0] = costs;
  return { inputTokens, outputTokens, cachedTokens, toolCalls, usdMicros, unpricedTokens, reports };
}

/** The columns of what a commit adds. */
export function usageColumns({ namespace, day, agentName, model, used }: UsageSum) {
  return {
    ...{ namespace, day, agent_name: agentName, model },
    ...{ input_tokens: used.inputTokens, output_tokens: used.outputTokens, cached_tokens: used.cachedTokens },
    ...{ tool_calls: used.toolCalls, usd_micros: used.usdMicros },
    ...{ unpriced_tokens: used.unpricedTokens, reports: used.reports },
  };
}
