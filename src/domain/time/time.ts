/**
 * An instant of plane time, in Unix milliseconds. Plane time starts at the wall clock, if that agrees with the last
 * instant in the store (see `plane-time.ts`), and then advances with the monotonic clock. Jumps of the wall clock do
 * not affect it.
 */
export type Instant = number & { readonly __kind: "Instant" };

/** A length of time in milliseconds. */
export type Millis = number & { readonly __kind: "Millis" };

/** 0 means "not yet" or "none" in rows and on the wire. */
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
