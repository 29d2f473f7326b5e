/**
 * A moment in plane time, in Unix milliseconds. Plane time starts at the wall clock, as far as that agrees
 * with what the store remembers (see `plane-time.ts`), and then grows with the monotonic clock, so a jump of
 * the wall clock moves nothing.
 */
export type Instant = number & { readonly __kind: "Instant" };

/** A length of time in milliseconds. */
export type Millis = number & { readonly __kind: "Millis" };

/** 0 stands for "not yet" in rows and on the wire. */
export const NEVER = 0 as Instant;

/** @param value whole Unix milliseconds */
export function instant(value: number): Instant {
  return value as Instant;
}

/** @param value whole milliseconds */
export function millis(value: number): Millis {
  return value as Millis;
}

export function later(at: Instant, by: Millis): Instant {
  return (at + by) as Instant;
}

export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}
