import { type Millis, millis } from "./time.js";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Advice for error messages about a text that {@link readDuration} does not accept. */
export const DURATION_ADVICE = "write a number and ms, s, m, h or d, for example 30s";

/** `500ms`, `3s`, `2m`, `1h` or `7d`; undefined for anything else, a number without a unit included. */
export function readDuration(text: string): Millis | undefined {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return count === undefined
    ? undefined
    : millis(Math.round(Number(count) * units[unit as keyof typeof units]));
}
