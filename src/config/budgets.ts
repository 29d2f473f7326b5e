import { z } from "zod";
import type { DefaultBudgets } from "#domain/task/budget";
import { BUDGET_ADVICE, readBudget } from "#domain/task/budget-text";
import type { Values } from "./setting.js";

const advice =
  'write a table, for example { "research/writer" = "tokens:1M,usd:5" }, or research/writer=tokens:1M,usd:5';

/** `NAMESPACE[/AGENT]=BUDGET`, or a table of them. */
export const budgets = {
  schema: z
    .union(
      [
        z.array(z.string()).transform((texts) =>
          // Of several bounds only the first may be separated from the next by a comma: lists are split there, too.
          joined(texts).map((text): readonly [string, string] => {
            const at = text.indexOf("=");
            return at < 0 ? ["", text] : [text.slice(0, at).trim(), text.slice(at + 1)];
          }),
        ),
        z.record(z.string(), z.string()).transform(Object.entries<string>),
      ],
      advice,
    )
    .transform((entries, { issues }): DefaultBudgets => {
      const read = entries.map(([place, text]) => [place, text, readBudget(text)] as const);
      for (const [place, text, budget] of read) {
        if (place !== "" && typeof budget !== "string") continue;
        const problem = typeof budget === "string" ? budget : `must name a namespace: ${advice}`;
        issues.push({ code: "custom", message: `${JSON.stringify(place || text)} ${problem}`, input: "" });
        break;
      }
      if (read.length > 1_000)
        issues.push({ code: "custom", message: "has more than 1000 entries", input: "" });
      return new Map(
        read.flatMap(([place, , budget]) => (typeof budget === "string" ? [] : [[place, budget]])),
      );
    }),
  range: "0 to 1000 of NAMESPACE[/AGENT]=BUDGET",
  fallback: [],
  help: `What each Task may use that asks for no budget, with the Tasks below it, by its namespace or by namespace/agent; * is each namespace that is not named. ${BUDGET_ADVICE}. Without any nothing bounds it.`,
} as const satisfies Values & { readonly fallback: readonly string[]; readonly help: string };

/** Puts together again what was split at the commas within a budget: such a part has no place of its own. */
function joined(texts: readonly string[]): string[] {
  const whole: string[] = [];
  for (const text of texts) {
    const last = whole.length - 1;
    if (last >= 0 && /^\s*[a-z-]+\s*:/.test(text)) whole[last] += `,${text}`;
    else whole.push(text);
  }
  return whole;
}
