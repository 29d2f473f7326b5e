import { z } from "zod";
import { limits } from "#limits/index";

/**
 * The input of an agent that asks a model.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import type { PromptInput } from "taskrun/worker";
 *
 * const input: PromptInput = { prompt: "Sum this up in a sentence.", context: { visits: [3, 5, 8] } };
 * await createClient().tasks.run({ agent: "claude", input: { ...input } });
 * ```
 */
export interface PromptInput {
  /** What the model is asked. */
  readonly prompt?: string;
  /** The same, under the name that other agents use. */
  readonly query?: string;
  /** Any JSON that belongs to it, such as the result of an earlier Step; it is put below the prompt. */
  readonly context?: unknown;
}

const text = z.string().min(1).max(limits.promptChars);
const context = z.unknown().optional();

/** The input with its prompt, or with its query; a Step's own parts may stand beside. */
export const promptInput = z.union(
  [z.looseObject({ prompt: text, context }), z.looseObject({ query: text, context })],
  { error: () => "needs prompt, the text that the model is asked" },
);

/** The text for the model. */
export function promptOf({ prompt, query, context: given }: PromptInput): string {
  const asked = prompt ?? query ?? "";
  return given === undefined ? asked : `${asked}\n\nContext, as JSON:\n${JSON.stringify(given, null, 2)}\n`;
}
