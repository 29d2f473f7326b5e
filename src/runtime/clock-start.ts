import { type ClockStart, clockWarning, isFar, startOfPlaneTime } from "#domain/plane-time";
import type { Instant } from "#domain/time";
import type { StartableClock } from "#ports/clock";
import type { Store } from "#ports/store";
import type { Core } from "./core.js";

/**
 * Begins plane time, and says loudly if the wall clock cannot be right.
 *
 * @param persisted the last instant that the store remembers
 * @param accept an operator says that the wall clock is right
 */
export async function startClock(
  { store, telemetry: { log } }: Pick<Core, "store" | "telemetry">,
  clock: StartableClock,
  persisted: Instant,
  accept: boolean,
): Promise<ClockStart> {
  const wall = clock.wall();
  const anythingAtStake = isFar(wall - persisted) && (await holdsTasks(store));
  const start = startOfPlaneTime({ wall, persisted, anythingAtStake, accept });
  clock.startFrom(start.at);

  const warning = clockWarning(start);
  if (warning !== undefined) log.error(warning);
  else if (start.verdict === "accepted")
    log.warn("the wall clock is believed, by --accept-clock", { ...start });
  else if (accept) log.info("--accept-clock changed nothing: leave it out, or no wrong clock is noticed");
  return start;
}

/** A page may end early, with nothing on it. */
async function holdsTasks({ reads }: Store): Promise<boolean> {
  const { tasks, next } = await reads.tasks({ namespaces: "*" }, undefined, 1);
  return tasks.length > 0 || next !== undefined;
}
