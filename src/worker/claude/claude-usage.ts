import type { AgentContext } from "../agent/context.js";
import { reportUsage } from "../models/model-usage.js";
import type { ApiUsage, AssistantMessage, ModelUsage, ResultMessage } from "./messages.js";

/** Tokens by the kinds of a report of usage. */
interface Tokens {
  /** Those written to the cache and read from it included; Anthropic counts them apart. */
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

const none: Tokens = { input: 0, cached: 0, output: 0 };

/** Messages whose tokens are remembered until the next block of theirs: subagents write at the same time. */
const MESSAGES_FOLLOWED = 64;

/**
 * Reports what a Run of Claude Code uses: tokens and tool calls with every message of the model, so that a budget notices while
 * the program works, and at its end what these messages did not say, with the costs. Of a session that is continued the end
 * tells totals of all its Runs; then the tokens of this one are told, and their costs are left to the operator's prices.
 */
export class ClaudeUsage {
  readonly #ctx: AgentContext;
  readonly #isContinued: boolean;
  /** What has been reported, by model. */
  readonly #told = new Map<string, Tokens>();
  /** By message. Each of its blocks comes with the tokens of the whole message as far as they are known. */
  readonly #messages = new Map<string, Tokens>();

  constructor(ctx: AgentContext, isContinued: boolean) {
    this.#ctx = ctx;
    this.#isContinued = isContinued;
  }

  message({ message: { id, model, usage } }: AssistantMessage, toolCalls: number): void {
    const now = usage ? ofApi(usage) : none;
    const before = this.#messages.get(id) ?? none;
    this.#messages.set(id, most(now, before));
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MESSAGES_FOLLOWED && oldest !== undefined) this.#messages.delete(oldest);
    this.#tell(model, less(now, before), this.#isContinued ? undefined : 0, toolCalls);
  }

  /** @param mainModel the model of the session */
  result(result: ResultMessage, mainModel: string): void {
    const models = Object.entries(result.modelUsage);
    if (this.#isContinued || models.length === 0) {
      const told = [...this.#told.values()].reduce(sum, none);
      const costs = this.#isContinued ? undefined : micros(result.total_cost_usd);
      this.#tell(mainModel, less(result.usage ? ofApi(result.usage) : none, told), costs);
      return;
    }
    this.#models(new Map(models));
  }

  /**
   * Tells what is missing of each model. A model's messages may name it otherwise than its totals do: what was told under a name
   * that no total has is taken off those that there are.
   */
  #models(totals: ReadonlyMap<string, ModelUsage>): void {
    const names = new Map([...totals].map(([key, usage]) => [key, this.#nameOf(key, usage)]));
    const claimed = new Set(names.values());
    let unclaimed = [...this.#told]
      .filter(([name]) => !claimed.has(name))
      .reduce((all, [, t]) => sum(all, t), none);
    for (const [key, usage] of totals) {
      const name = names.get(key) ?? key;
      const open = less(ofModel(usage), this.#told.get(name) ?? none);
      const rest = less(open, unclaimed);
      unclaimed = less(unclaimed, open);
      this.#tell(name, rest, micros(usage.costUSD));
    }
  }

  /** The name that messages of the model have: the key, its plain form, or the canonical name. */
  #nameOf(key: string, { canonicalModel }: ModelUsage): string {
    const plain = key.replace(/\[.*\]$/, "");
    return [key, plain, canonicalModel].find((name) => this.#told.has(name)) ?? plain;
  }

  #tell(model: string, tokens: Tokens, usdMicros: number | undefined, toolCalls = 0): void {
    this.#told.set(model, sum(this.#told.get(model) ?? none, tokens));
    const { input, cached, output } = tokens;
    const counts = { inputTokens: input, cachedTokens: cached, outputTokens: output, toolCalls };
    reportUsage(this.#ctx, { model, ...counts, ...(usdMicros !== undefined && { usdMicros }) });
  }
}

function ofApi(usage: ApiUsage): Tokens {
  return {
    input: usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens,
    cached: usage.cache_read_input_tokens,
    output: usage.output_tokens,
  };
}

function ofModel(usage: ModelUsage): Tokens {
  return {
    input: usage.inputTokens + usage.cacheCreationInputTokens + usage.cacheReadInputTokens,
    cached: usage.cacheReadInputTokens,
    output: usage.outputTokens,
  };
}

function micros(usd: number): number {
  return Math.round(usd * 1_000_000);
}

function sum(a: Tokens, b: Tokens): Tokens {
  return { input: a.input + b.input, cached: a.cached + b.cached, output: a.output + b.output };
}

function less(a: Tokens, b: Tokens): Tokens {
  const rest = (all: number, part: number) => Math.max(0, all - part);
  return {
    input: rest(a.input, b.input),
    cached: rest(a.cached, b.cached),
    output: rest(a.output, b.output),
  };
}

function most(a: Tokens, b: Tokens): Tokens {
  return {
    input: Math.max(a.input, b.input),
    cached: Math.max(a.cached, b.cached),
    output: Math.max(a.output, b.output),
  };
}
