import { limits } from "#limits/index";
import { type Instant, NEVER } from "./time.js";

/** What is known when a server starts. */
export interface ClockReading {
  readonly wall: Instant;
  /** The last instant that the store remembers; {@link NEVER} if it is new. */
  readonly persisted: Instant;
  /** False if the store holds no Task: then nothing can be ended or removed by a wrong clock. */
  readonly anythingAtStake: boolean;
  /** An operator says that the wall clock is right. */
  readonly accept: boolean;
}

/** Where plane time begins, and what was made of the wall clock. */
export interface ClockStart extends Pick<ClockReading, "wall" | "persisted"> {
  readonly at: Instant;
  /**
   * `believed` if it can be right, `accepted` if only an operator's word speaks for it; `ahead` and `behind` if it
   * is too far from what the store remembers, from which plane time then goes on.
   */
  readonly verdict: "believed" | "accepted" | "ahead" | "behind";
}

/**
 * Plane time begins at the wall clock, but never before what the store remembers, for whatever lies there is dated;
 * and not long after it either without an operator's word, for a clock that was set wrong would end Tasks and remove
 * them, and the store would remember its time for ever.
 */
export function startOfPlaneTime({ wall, persisted, anythingAtStake, accept }: ClockReading): ClockStart {
  const start = (at: Instant, verdict: ClockStart["verdict"]) => ({ at, verdict, wall, persisted });
  const gap = wall - persisted;
  if (persisted === NEVER || (isFar(gap) && !anythingAtStake)) return start(wall, "believed");
  if (gap < 0) return start(persisted, isFar(gap) ? "behind" : "believed");
  if (!isFar(gap)) return start(wall, "believed");
  return accept ? start(wall, "accepted") : start(persisted, "ahead");
}

/** True if so much time between two instants is a reason to doubt one of them. */
export function isFar(gap: number): boolean {
  return Math.abs(gap) > limits.clockGap;
}

/** What an operator is to know of the start; undefined if there is nothing. */
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

/** As a person reads it; a clock may say what no calendar has. */
function shown(at: Instant): string {
  // biome-ignore lint/style/noRestrictedGlobals: it writes a moment that is given, and reads no clock
  return at <= LATEST ? new Date(at).toISOString() : `${at} ms after 1970`;
}

/** The last millisecond that a calendar date can name. */
const LATEST = 8_640_000_000_000_000;
