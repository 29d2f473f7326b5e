import { limits } from "#limits/index";
import { type Instant, NEVER } from "./time.js";

/** What is known about the time when a server starts. */
export interface ClockReading {
  readonly wall: Instant;
  /** The last instant recorded in the store; {@link NEVER} if it is new. */
  readonly persisted: Instant;
  /** False if the store has no Task: then a wrong clock cannot end or remove anything. */
  readonly anythingAtStake: boolean;
  /** True if an operator confirms that the wall clock is right. */
  readonly accept: boolean;
}

/** The instant at which plane time starts, and the verdict on the wall clock. */
export interface ClockStart extends Pick<ClockReading, "wall" | "persisted"> {
  readonly at: Instant;
  /**
   * `believed` if it is plausible, `accepted` if only an operator has confirmed it; `ahead` and `behind` if it is too
   * far from the last recorded instant, from which plane time then continues.
   */
  readonly verdict: "believed" | "accepted" | "ahead" | "behind";
}

/**
 * Decides where plane time starts: at the wall clock, but never before the last recorded instant, because rows are
 * dated; and, unless an operator confirms it, not long after that instant either, because a wrong clock would end and
 * remove Tasks, and its time would stay recorded.
 */
export function startOfPlaneTime({ wall, persisted, anythingAtStake, accept }: ClockReading): ClockStart {
  const start = (at: Instant, verdict: ClockStart["verdict"]) => ({ at, verdict, wall, persisted });
  const gap = wall - persisted;
  if (persisted === NEVER || (isFar(gap) && !anythingAtStake)) return start(wall, "believed");
  if (gap < 0) return start(persisted, isFar(gap) ? "behind" : "believed");
  if (!isFar(gap)) return start(wall, "believed");
  return accept ? start(wall, "accepted") : start(persisted, "ahead");
}

/** True if this many milliseconds between the wall clock and the last recorded instant make the clock implausible. */
export function isFar(gap: number): boolean {
  return Math.abs(gap) > limits.clockGap;
}

/** A warning about the wall clock for operators; undefined if it is plausible. */
export function clockWarning({ wall, persisted, verdict }: ClockStart): string | undefined {
  if (verdict !== "ahead" && verdict !== "behind") return undefined;
  const days = Math.floor(Math.abs(wall - persisted) / DAY);
  const said = `the wall clock said ${shown(wall)} at the start, ${days} days`;
  const known = `the last thing this data directory remembers, ${shown(persisted)}`;
  return verdict === "ahead"
    ? `${said} after ${known}, and was not believed: time goes on from there, so that nothing is ended or removed by the jump, and dates are behind. If the wall clock is right, start once with --accept-clock; if it is not, set it and start again.`
    : `${said} before ${known}: one of them is wrong. Time never goes back, it goes on from there: delays, timeouts and retention are right, dates are ahead. If the wall clock is wrong, set it and start again; if it is right, only a new data directory has right dates at once.`;
}

const DAY = 24 * 3_600_000;

/** The instant in ISO 8601, or as a number if it is beyond the range of a `Date`. */
function shown(at: Instant): string {
  // biome-ignore lint/style/noRestrictedGlobals: it formats a given instant, and reads no clock
  return at <= LATEST ? new Date(at).toISOString() : `${at} ms after 1970`;
}

/** The last millisecond of a JavaScript `Date`. */
const LATEST = 8_640_000_000_000_000;
