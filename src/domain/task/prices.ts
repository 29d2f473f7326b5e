import { limits } from "#limits/index";
import type { UsedModel } from "./usage.js";

/** What one token costs, in millionths of a millionth of a US dollar: whole numbers, so that sums are exact. */
export interface Price {
  readonly input: bigint;
  readonly output: bigint;
  /** Of input that came from a cache. */
  readonly cachedInput: bigint;
}

/** What models cost, by their names. */
export type Prices = ReadonlyMap<string, Price>;

export const NO_PRICES: Prices = new Map();

/** Of these are a millionth of a dollar. */
const PARTS = 1_000_000n;

/**
 * What a use of a model costs, in millionths of a US dollar, rounded to the nearest, a half up. Undefined if nobody has said what the
 * model costs. Of more cached tokens than were read only those that were read count.
 */
export function costOf(used: UsedModel, prices: Prices): number | undefined {
  const price = prices.get(used.model);
  if (!price) return undefined;
  const cached = Math.min(used.cachedTokens, used.inputTokens);
  const parts =
    BigInt(used.inputTokens - cached) * price.input +
    BigInt(cached) * price.cachedInput +
    BigInt(used.outputTokens) * price.output;
  const micros = (parts + PARTS / 2n) / PARTS;
  return micros > limits.usageCount ? limits.usageCount : Number(micros);
}

/** A report with what it cost, if the agent has said so or the price is known. */
export function withCost(used: UsedModel, prices: Prices): UsedModel {
  if (used.usdMicros !== undefined) return used;
  const usdMicros = costOf(used, prices);
  return usdMicros === undefined ? used : { ...used, usdMicros };
}
