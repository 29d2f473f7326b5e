import type { JournalChange, JournalRecord, ModelUse } from "#client/index";
import { dateText } from "../terminal/format.js";
import { oneLine } from "../terminal/sanitizer.js";

/** What a journal has got, in a line: `book: charge (once) BEGUN`. */
export function journalLine({ stepName, record }: JournalChange): string {
  const of = stepName === "main" ? "" : `${stepName}: `;
  const { name, state, effect, occurrence, errorMessage, actor } = record;
  const facts = [
    ...(effect === "ONCE" ? ["once"] : []),
    ...(occurrence > 1 ? [`number ${occurrence}`] : []),
    ...(actor === "" ? [] : [`by ${actor}`]),
  ];
  const named = `${kindWord(record)}${name}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`;
  return oneLine(`${of}${named} ${state}${waitText(record)}${errorMessage && `: ${errorMessage}`}`);
}

/** What a model has used, in a line. */
export function usageLine({ stepName, model, usdMicros, ...counts }: ModelUse): string {
  const of = stepName === "main" ? "" : `${stepName}: `;
  const { inputTokens, outputTokens, cachedTokens, toolCalls } = counts;
  const facts = [
    `${inputTokens} in${cachedTokens > 0 ? ` (${cachedTokens} cached)` : ""}`,
    `${outputTokens} out`,
    ...(toolCalls > 0 ? [`${toolCalls} tool ${toolCalls === 1 ? "call" : "calls"}`] : []),
    ...(usdMicros === undefined ? [] : [dollars(usdMicros)]),
  ];
  return oneLine(`${of}${model || "a model"} used ${facts.join(", ")}`);
}

/** What an entry is, before its name; a piece of work needs no word. */
export function kindWord({ kind }: Pick<JournalRecord, "kind">): string {
  return kind === "STEP" ? "" : `${kind.toLowerCase()} `;
}

/** What it waits for beside its name: a task, an instant. */
export function waitText({
  state,
  childTaskId,
  untilMs,
}: Pick<JournalRecord, "state" | "childTaskId" | "untilMs">): string {
  const child = childTaskId === "" ? "" : `, task ${childTaskId}`;
  return state === "BEGUN" && untilMs > 0 ? `${child}, until ${dateText(untilMs)}` : child;
}

function dollars(micros: number): string {
  return `$${(micros / 1e6).toFixed(micros < 10_000 ? 6 : 2)}`;
}
