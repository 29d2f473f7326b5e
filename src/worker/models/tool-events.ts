import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { AgentContext } from "../agent/context.js";
import { monotonic } from "../timers.js";

/** What events tell of a tool call. */
export type ToldCall = Readonly<Record<string, string | undefined>>;

/** Tells that a tool is called. Returns what tells that the call has ended: with what was told, its outcome and duration. */
export function toolRequested(ctx: AgentContext, call: ToldCall): (outcome: "ok" | "failed") => void {
  const startedMs = monotonic();
  ctx.event("TOOL_REQUESTED", labelled(call));
  return (outcome) => {
    const duration = String(Math.round(monotonic() - startedMs));
    if (!ctx.signal.aborted)
      ctx.event("TOOL_COMPLETED", labelled({ ...call, outcome, duration_ms: duration }));
  };
}

/** Metadata of an event without empty texts, each cut to what a label may have. */
export function labelled(metadata: ToldCall): Record<string, string> {
  const given = Object.entries(metadata).flatMap(([key, text]) =>
    text === undefined || text === "" ? [] : [[key, clip(text.toWellFormed(), limits.labelBytes)]],
  );
  return Object.fromEntries(given);
}
