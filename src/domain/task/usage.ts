/** What an agent reports of one use of a model. */
export interface UsedModel {
  readonly model: string;
  /** Tokens that it read, those from its cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly toolCalls: number;
  /** Millionths of a US dollar; absent if the agent does not know. */
  readonly usdMicros?: number;
}

/** Sums of what was used. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly toolCalls: number;
  readonly usdMicros: number;
  /** Tokens of which it is not known what they cost. */
  readonly unpricedTokens: number;
  readonly reports: number;
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  toolCalls: 0,
  usdMicros: 0,
  unpricedTokens: 0,
  reports: 0,
};

/** The sum of both. What no number counts exactly stays at the greatest that does. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: sum(a.inputTokens, b.inputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    cachedTokens: sum(a.cachedTokens, b.cachedTokens),
    toolCalls: sum(a.toolCalls, b.toolCalls),
    usdMicros: sum(a.usdMicros, b.usdMicros),
    unpricedTokens: sum(a.unpricedTokens, b.unpricedTokens),
    reports: sum(a.reports, b.reports),
  };
}

/** What one report counts. Without a cost its tokens have none that is known. */
export function usageOf({ usdMicros, ...used }: UsedModel): Usage {
  const { inputTokens, outputTokens, cachedTokens, toolCalls } = used;
  return {
    inputTokens,
    outputTokens,
    cachedTokens,
    toolCalls,
    usdMicros: usdMicros ?? 0,
    unpricedTokens: usdMicros === undefined ? sum(inputTokens, outputTokens) : 0,
    reports: 1,
  };
}

function sum(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}
