import { instant } from "#domain/time/time";
import type { StartableClock } from "#ports/clock";

/** The machine's clocks: wall time in Unix milliseconds, monotonic time in milliseconds from an arbitrary origin. */
export interface TimeSources {
  wall(): number;
  monotonic(): number;
}

const hostSources: TimeSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/** The longest delay of Node's timers; a longer one would fire at once. */
const TIMER_MAX = 2 ** 31 - 1;

/**
 * The clock of a real machine. After its start, plane time grows with the monotonic clock alone, so that jumps of the wall
 * clock neither fire nor delay anything.
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
      // A capped delay ends before `at`, and Node's timers may fire a fraction of a millisecond early.
      const ring = () => (exact() < at ? arm() : fire());
      arm();
      return () => clearTimeout(timer);
    },

    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}
