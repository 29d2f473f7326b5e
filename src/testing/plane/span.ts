import { DURATION_ADVICE, readDuration } from "#domain/time/duration";
import { type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";

/**
 * A span of time: milliseconds, or text such as `"500ms"`, `"30s"`, `"90m"`, `"2h"` or `"7d"`.
 *
 * @param name what it is called in messages
 * @throws {RangeError} if it is none, negative, or longer than a hundred years
 */
export function spanOf(span: number | string, name: string): Millis {
  const ms = typeof span === "string" ? readDuration(span) : span;
  if (typeof ms === "number" && ms >= 0 && ms <= limits.advanceMost) return millis(Math.round(ms));
  const shown = typeof span === "string" ? JSON.stringify(span.slice(0, 64)) : String(span);
  throw new RangeError(
    `${name} is ${shown}: send milliseconds, or ${DURATION_ADVICE}; a hundred years at most.`,
  );
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** A span for people, such as `0s`, `2h`, `1d 3m 4.05s`. */
export function spanText(ms: number): string {
  const parts: string[] = [];
  let left = ms;
  for (const [unit, size] of units) {
    const count = unit === "s" ? left / size : Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.length === 0 ? "0s" : parts.join(" ");
}
