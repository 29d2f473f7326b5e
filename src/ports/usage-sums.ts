import type { Usage } from "#domain/task/usage";

/**
 * What Runs of one agent in one namespace have used of one model on one day.
 *
 * @example
 * ```ts
 * import type { UsageSum } from "taskrun/ports/store";
 *
 * const tokens = ({ used }: UsageSum): number => used.inputTokens + used.outputTokens;
 * ```
 */
export interface UsageSum {
  /** Days since 1970, UTC. */
  readonly day: number;
  readonly namespace: string;
  readonly agentName: string;
  /** As its provider names it; empty if nobody has said. */
  readonly model: string;
  readonly used: Usage;
}

/** The agent and the model under which is counted what is beyond `limits.usageSumsPerDay`. */
export const OTHER = "(other)";

/**
 * Which sums to read.
 *
 * @example
 * ```ts
 * import type { UsageFilter } from "taskrun/ports/store";
 *
 * const today: UsageFilter = { namespaces: "*", from: 20_000, until: 20_001 };
 * ```
 */
export interface UsageFilter {
  readonly namespaces: readonly string[] | "*";
  /** Absent: any. */
  readonly agentName?: string;
  readonly model?: string;
  /** The first day, and the one behind the last. */
  readonly from: number;
  readonly until: number;
}
