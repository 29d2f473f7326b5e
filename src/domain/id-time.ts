import { type Instant, instant } from "./time/time.js";

/** The last millisecond that an id can name: it has 48 bits for it. */
export const ID_TIME_MAX = 2 ** 48 - 1;

/**
 * The beginning of all ids that are made in this millisecond. An id sorts before it if it was made earlier, and not before it if it was
 * made then or later.
 *
 * @param at at most {@link ID_TIME_MAX}
 */
export function beginningAt(at: Instant): string {
  const digits = Math.max(0, Math.min(at, ID_TIME_MAX)).toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

const timed = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/;

/** When an id was made; undefined of a text that is no id of a server. */
export function timeOf(id: string): Instant | undefined {
  const [, high, low] = timed.exec(id) ?? [];
  return high === undefined ? undefined : instant(Number.parseInt(`${high}${low}`, 16));
}
