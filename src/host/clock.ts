import { instant } from "#domain/time";
import type { StartableClock } from "#ports/clock";

/** Where a machine keeps its two times. The monotonic one counts milliseconds from anywhere, with fractions. */
export interface TimeSources {
  wall(): number;
  monotonic(): number;
}

const hostSources: TimeSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/** The longest delay Node's timers take; a longer one would fire at once. */
const TIMER_MAX = 2 ** 31 - 1;

/**
 * Plane time on a real machine: from the start on it grows by the monotonic clock alone, so that a jump
 * of the wall clock, however far and whichever way, neither fires nor delays anything.
 */
export function nodeClock(sources: TimeSources = hostSources): StartableClock {
  let offset = sources.wall() - sources.monotonic();
  const exact = () => offset + sources.monotonic();

  return {
    now: () => instant(Math.floor(exact())),

    monotonic: () => sources.monotonic(),

    wall: () => instant(Math.floor(sources.wall())),

    startFrom(at) {
      offset = at - sources.monotonic();
    },

    wakeAt(at, fire) {
      let timer: NodeJS.Timeout;
      const arm = () => {
        const delay = Math.min(Math.max(Math.ceil(at - exact()), 0), TIMER_MAX);
        timer = setTimeout(ring, delay);
      };
      // A capped delay ends long before `at`, and Node may ring a fraction of a millisecond early.
      const ring = () => (exact() < at ? arm() : fire());
      arm();
      return () => clearTimeout(timer);
    },

    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}
