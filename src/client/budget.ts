import type { Budget as WireBudget } from "#wire/gen/taskrun/v1/task_service_pb";
import type { CallControl } from "./call.js";
import { namesOf } from "./option-names.js";
import { optionsOf, wholeNumber } from "./request.js";

/**
 * What a Task and the Tasks below it may use. What is left out, or 0, is not bounded.
 *
 * @example
 * ```ts
 * import { type Budget, createClient } from "taskrun/client";
 *
 * const budget: Budget = { tokens: 1_000_000, usdMicros: 5_000_000 };
 * await createClient().tasks.create({ agent: "researcher", input: { topic: "tides" }, budget });
 * ```
 */
export interface Budget {
  /** Tokens that models read and wrote. */
  readonly tokens?: number;
  /** What it costs, in millionths of a US dollar. */
  readonly usdMicros?: number;
  /** Calls of tools. */
  readonly toolCalls?: number;
  /** How long its Runs are held, in milliseconds, summed over them. */
  readonly wallMs?: number;
}

const budgetNames = namesOf<Budget>({ tokens: true, usdMicros: true, toolCalls: true, wallMs: true });

/**
 * Options of {@link Tasks.topUp}.
 *
 * @example
 * ```ts
 * import { createClient, type TopUpOptions } from "taskrun/client";
 *
 * const options: TopUpOptions = { reason: "worth it", requestId: "ticket-12" };
 * await createClient().tasks.topUp("TASK_ID", { tokens: 500_000 }, options);
 * ```
 */
export interface TopUpOptions extends CallControl {
  /** Why, for people: the audit log has it. */
  readonly reason?: string;
  /** Names the request, so that it is carried out once however often it is sent. Default: random. */
  readonly requestId?: string;
}

export const topUpNames = namesOf<TopUpOptions>({
  reason: true,
  requestId: true,
  signal: true,
  timeoutMs: true,
  traceparent: true,
});

/**
 * A budget as the protocol has it.
 *
 * @param field what it is called in requests
 * @throws {TaskRunError} `INVALID_ARGUMENT` if there is no such bound, or one is no whole number
 */
export function budgetInit(budget: Budget, field: string) {
  const { tokens, usdMicros, toolCalls, wallMs } = optionsOf(budget, field, budgetNames);
  return {
    tokens: wholeNumber(tokens, `${field}.tokens`),
    usdMicros: wholeNumber(usdMicros, `${field}.usd_micros`),
    toolCalls: wholeNumber(toolCalls, `${field}.tool_calls`),
    wallMs: wholeNumber(wallMs, `${field}.wall_ms`),
  };
}

export function toBudget({ tokens, usdMicros, toolCalls, wallMs }: WireBudget): Budget {
  const all = {
    tokens: Number(tokens),
    usdMicros: Number(usdMicros),
    toolCalls: Number(toolCalls),
    wallMs: Number(wallMs),
  };
  return Object.fromEntries(Object.entries(all).filter(([, bound]) => bound > 0));
}
