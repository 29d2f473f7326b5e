import { createHash } from "node:crypto";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { AgentContext } from "../agent/context.js";

/** What one use of a model has taken. */
export interface UsageReport {
  readonly model: string;
  /** Read by the model, those from its cache included. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedTokens?: number;
  readonly toolCalls?: number;
  /** Absent: from the operator's prices. */
  readonly usdMicros?: number;
}

/** A context whose Worker may count usage and keep tool calls; one that does neither is served as well. */
export type ModelContext = AgentContext & {
  usage?(report: UsageReport): void;
  tool?(
    name: string,
    args: unknown,
    run: (args: unknown, signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown>;
};

/** Reports usage, without counts that are 0; nothing if all are. */
export function reportUsage(ctx: ModelContext, { model, usdMicros, ...counts }: UsageReport): void {
  const counted = Object.entries(counts).filter(([, count]) => count !== undefined && count > 0);
  if (counted.length === 0 && !usdMicros) return;
  ctx.usage?.({
    model,
    ...Object.fromEntries(counted),
    ...(usdMicros !== undefined && { usdMicros }),
  });
}

/** Identifies the arguments of a tool call without telling them: the first 16 hex digits of SHA-256 over their JSON with sorted keys. */
export function argsDigest(args: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(args)))
    .digest("hex")
    .slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

/** Metadata of an event without empty texts, each cut to what a label may have. */
export function labelled(metadata: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given = Object.entries(metadata).flatMap(([key, text]) =>
    text === undefined || text === "" ? [] : [[key, clip(text.toWellFormed(), limits.labelBytes)]],
  );
  return Object.fromEntries(given);
}
