import { type Instant, instant } from "#domain/time/time";
import type { StartableClock } from "#ports/clock";
import type { VirtualClock } from "#testing/virtual-time";

export interface NodeClockOptions {
  /** Milliseconds of this clock in one of the world's. Default 1. */
  readonly rate?: number;
  /** How far the wall clock of this machine is ahead of the world's, in milliseconds. Default 0. */
  readonly wallAhead?: number;
}

/**
 * The clock of one machine in a world of several: all move together, each at a rate of its own, and where plane time starts
 * on one is nothing to the others.
 */
export function nodeClock(
  world: VirtualClock,
  { rate = 1, wallAhead = 0 }: NodeClockOptions = {},
): StartableClock {
  const born = world.now();
  /** Milliseconds of this machine since it was born. */
  const elapsed = () => (world.now() - born) * rate;
  const wall = () => instant(Math.floor(born + elapsed() + wallAhead));
  let planeAhead = 0;
  const now = (): Instant => instant(Math.floor(born + elapsed() + planeAhead));
  return {
    now,
    monotonic: elapsed,
    wall,
    startFrom: (at) => {
      planeAhead = at - born - elapsed();
    },
    wakeAt: (at, fire) => {
      const wait = Math.ceil(Math.max(0, at - planeAhead - born - elapsed()) / rate);
      return world.wakeAt(
        instant(world.now() + (Number.isFinite(wait) ? wait : Number.MAX_SAFE_INTEGER)),
        fire,
      );
    },
    yield: () => world.yield(),
  };
}
