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

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    toolCalls: a.toolCalls + b.toolCalls,
    usdMicros: a.usdMicros + b.usdMicros,
    unpricedTokens: a.unpricedTokens + b.unpricedTokens,
    reports: a.reports + b.reports,
  };
}
