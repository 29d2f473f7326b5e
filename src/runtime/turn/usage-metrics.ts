import type { Usage } from "#domain/task/usage";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import { OTHER, type UsageSum } from "#ports/usage-sums";

/** The kinds of tokens that are counted. Cached ones are part of the input. */
const kinds = {
  input: ({ inputTokens }: Usage) => inputTokens,
  output: ({ outputTokens }: Usage) => outputTokens,
  cached: ({ cachedTokens }: Usage) => cachedTokens,
} as const;

/**
 * Counts what was used in the metrics of this process. Agents and workers make up the names that are labels: the first ones are told apart,
 * and all further ones are counted as others.
 */
export class UsageMetrics {
  readonly #known = new Set<string>();

  count(sums: readonly UsageSum[], telemetry: Pick<Telemetry, "count">): void {
    for (const { used, ...sum } of sums) {
      const labels = this.#labelsOf(sum);
      for (const [kind, tokensIn] of Object.entries(kinds)) {
        const tokens = tokensIn(used);
        if (tokens > 0) telemetry.count("taskrun_tokens_total", { ...labels, kind }, tokens);
      }
      if (used.usdMicros > 0) telemetry.count("taskrun_cost_usd_micros_total", labels, used.usdMicros);
    }
  }

  #labelsOf({ namespace, agentName: agent, model }: Omit<UsageSum, "used">) {
    const key = JSON.stringify([namespace, agent, model]);
    if (!this.#known.has(key)) {
      if (this.#known.size >= limits.usageSeries) return { namespace: OTHER, agent: OTHER, model: OTHER };
      this.#known.add(key);
    }
    return { namespace, agent, model };
  }
}
