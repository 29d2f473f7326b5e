import { type ClockStart, clockWarning, isFar, startOfPlaneTime } from "#domain/time/plane-time";
import type { Instant } from "#domain/time/time";
import type { StartableClock } from "#ports/clock";
import type { PlaneHealth } from "#ports/plane";
import type { Reads } from "#ports/store-reads";
import type { Core } from "../core.js";

type Starting = Pick<Core, "telemetry"> & { readonly store: { readonly reads: Reads } };

/** Begins plane time, and says loudly if the wall clock cannot be right. */
export class ClockStarter {
  readonly #core: Starting;
  readonly #clock: StartableClock;
  readonly #accept: boolean;
  #started: ClockStart | undefined;

  /** @param accept an operator says that the wall clock is right */
  constructor(core: Starting, clock: StartableClock, accept: boolean) {
    this.#core = core;
    this.#clock = clock;
    this.#accept = accept;
  }

  /** How plane time began; undefined before. */
  get started(): ClockStart | undefined {
    return this.#started;
  }

  /** What an operator should look at, if anything. */
  get trouble(): PlaneHealth["clock"] {
    const message = this.#started && clockWarning(this.#started);
    if (!this.#started || message === undefined) return undefined;
    return { wall: this.#started.wall, remembered: this.#started.persisted, message };
  }

  /** @param persisted the last instant that the store remembers */
  async start(persisted: Instant): Promise<void> {
    const { store, telemetry } = this.#core;
    const accept = this.#accept;
    const wall = this.#clock.wall();
    const anythingAtStake = isFar(wall - persisted) && (await holdsTasks(store.reads));
    this.#started = startOfPlaneTime({ wall, persisted, anythingAtStake, accept });
    this.#clock.startFrom(this.#started.at);

    const { log } = telemetry;
    const { verdict } = this.#started;
    if (this.trouble) log.error(this.trouble.message);
    else if (verdict === "accepted")
      log.warn("the wall clock is believed, by --accept-clock", { wall, persisted });
    else if (accept) log.info("--accept-clock changed nothing: leave it out, or no wrong clock is noticed");
  }
}

/** A page may end early, with nothing on it. */
async function holdsTasks(reads: Reads): Promise<boolean> {
  const { tasks, next } = await reads.tasks({ namespaces: "*" }, undefined, 1);
  return tasks.length > 0 || next !== undefined;
}
