import { type ClockStart, clockWarning, isFar, startOfPlaneTime } from "#domain/time/plane-time";
import type { Instant } from "#domain/time/time";
import type { StartableClock } from "#ports/clock";
import type { PlaneHealth } from "#ports/plane";
import type { Reads } from "#ports/store-reads";
import type { Core } from "../core.js";

type Starting = Pick<Core, "telemetry" | "memory" | "node"> & { readonly store: { readonly reads: Reads } };

/**
 * Starts plane time, and logs an error if the wall clock is implausible. Call `start` once, before anything is
 * decided.
 */
export class ClockStarter {
  readonly #core: Starting;
  readonly #clock: StartableClock;
  readonly #accept: boolean;
  #started: ClockStart | undefined;

  /** @param accept true if an operator confirms that the wall clock is right */
  constructor(core: Starting, clock: StartableClock, accept: boolean) {
    this.#core = core;
    this.#clock = clock;
    this.#accept = accept;
  }

  /** How plane time was started; undefined before `start`. */
  get started(): ClockStart | undefined {
    return this.#started;
  }

  /** A problem with the wall clock that an operator should look at; undefined if there is none. */
  get trouble(): PlaneHealth["clock"] {
    const message = this.#started && clockWarning(this.#started);
    if (!this.#started || message === undefined) return undefined;
    return { wall: this.#started.wall, remembered: this.#started.persisted, message };
  }

  /**
   * @param persisted the last instant that the store remembers
   * @param shared the clock of a store that several nodes share: it stands for the wall clock, which may differ from node to node
   */
  async start(persisted: Instant, shared?: Instant): Promise<void> {
    const { store, telemetry, memory, node } = this.#core;
    const accept = this.#accept;
    const wall = shared ?? this.#clock.wall();
    const anythingAtStake = isFar(wall - persisted) && (await holdsTasks(store.reads));
    this.#started = startOfPlaneTime({ wall, persisted, anythingAtStake, accept });
    this.#clock.startFrom(this.#started.at);
    memory.incarnation = node ?? this.#started.at.toString(36);

    const { log } = telemetry;
    const { verdict } = this.#started;
    if (this.trouble) log.error(this.trouble.message);
    else if (verdict === "accepted")
      log.warn("the wall clock is believed, by --accept-clock", { wall, persisted });
    else if (accept) log.info("--accept-clock changed nothing: leave it out, or no wrong clock is noticed");
  }
}

/** True if the store has any Task. The page may be empty although there are Tasks; `next` is set then. */
async function holdsTasks(reads: Reads): Promise<boolean> {
  const { tasks, next } = await reads.tasks({ namespaces: "*" }, undefined, 1);
  return tasks.length > 0 || next !== undefined;
}
