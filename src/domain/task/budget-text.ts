import { limits } from "#limits/index";
import { DURATION_ADVICE, readDuration } from "../time/duration.js";
import { type Budget, NO_BUDGET } from "./budget.js";

/** What {@link readBudget} reads, for error messages. */
export const BUDGET_ADVICE =
  "write bounds as tokens=1M,usd=5,tool-calls=200,wall=2h: k, M and G are thousands, millions and billions";

/** The first name of each bound, and how its number is written. */
const bounds: Readonly<Record<string, readonly [keyof Budget, (text: string) => number | undefined]>> = {
  tokens: ["tokens", count],
  usd: ["usdMicros", dollars],
  "tool-calls": ["toolCalls", count],
  wall: ["wallMs", readDuration],
};

/**
 * A budget as people write it: `tokens=1M,usd=5,tool-calls=200,wall=2h`, also with `:` in place of `=`. As the end of a sentence, what is wrong
 * with it.
 */
export function readBudget(text: string): Budget | string {
  const budget: { -readonly [Bound in keyof Budget]: Budget[Bound] } = { ...NO_BUDGET };
  for (const part of text.split(",")) {
    const [, name = "", value = ""] = /^\s*([a-z-]+)\s*[=:]\s*(\S+)\s*$/.exec(part) ?? [];
    const known = Object.hasOwn(bounds, name) ? bounds[name] : undefined;
    if (!known) return `has "${part.trim()}": ${BUDGET_ADVICE}`;
    const [bound, read] = known;
    const number = read(value);
    if (number === undefined || number < 1 || number > limits.budgetBound) {
      const way = bound === "wallMs" ? DURATION_ADVICE : "write a number above 0, for example 500 or 2.5M";
      return `has ${name} "${value}": ${way}`;
    }
    if (budget[bound] > 0) return `has ${name} twice`;
    budget[bound] = number;
  }
  return budget;
}

const units: Readonly<Record<string, number>> = { "": 1, k: 1_000, M: 1_000_000, G: 1_000_000_000 };

function count(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text) ?? [];
  return number === undefined ? undefined : Math.round(Number(number) * (units[unit] ?? 1));
}

/** Millionths of a dollar. */
function dollars(text: string): number | undefined {
  return /^\d+(\.\d{1,6})?$/.test(text) ? Math.round(Number(text) * 1_000_000) : undefined;
}
