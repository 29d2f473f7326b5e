/** The last instant that a date can be. */
const LAST = 8_640_000_000_000_000;

/** An instant as text, for people: `2030-01-31T09:00:00.000Z`. */
export function iso(at: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: formats an instant that is given; reads no clock.
  return new Date(Math.min(at, LAST)).toISOString();
}
