import { later, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { Log } from "#ports/telemetry";
import type { KeyRing } from "./key-ring.js";

export interface KeyKeeperParts {
  readonly keys: KeyRing;
  readonly clock: Pick<Clock, "now" | "wakeAt">;
  readonly log: Log;
  /** True if other servers change the keys, too. */
  readonly isShared: boolean;
  /** How long a key is kept that has ended. */
  readonly retention: Millis;
}

/**
 * What is done with API keys from time to time: hears what other servers have changed, tells when one expires, writes when they were
 * used, and removes those that ended long ago.
 */
export class KeyKeeper {
  readonly #parts: KeyKeeperParts;
  readonly #disarm = new Set<() => void>();
  #disarmEnd: () => void = () => {};
  #refreshing = false;
  #again = false;
  #isLate = false;
  #over = false;

  constructor(parts: KeyKeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    const { keys, isShared, retention } = this.#parts;
    keys.onChange(() => this.#awaitEnd());
    this.#awaitEnd();
    if (isShared) this.#every(limits.keyPoll, () => this.#refresh());
    this.#every(limits.keyUseNoted, () => keys.noteUses());
    this.#every(limits.keysRemovedEvery, async () => void (await keys.removeEnded(retention)));
  }

  /** Another server may have changed a key: the store is asked at once, and by one question at a time. */
  heard(): void {
    if (!this.#over) void this.#refresh();
  }

  /** Writes when keys were used, and does nothing more. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#disarmEnd();
    for (const disarm of this.#disarm) disarm();
    await this.#parts.keys.noteUses();
  }

  async #refresh(): Promise<void> {
    this.#again = this.#refreshing;
    if (this.#refreshing) return;
    this.#refreshing = true;
    const { keys, log } = this.#parts;
    try {
      do {
        this.#again = false;
        await keys.refresh();
      } while (this.#again && !this.#over);
      if (this.#isLate) log.info("the store says again which API keys there are");
      this.#isLate = false;
    } catch (err) {
      const seconds = limits.keysTrusted / 1_000;
      if (!this.#isLate)
        log.warn(`the store does not say which API keys there are; callers are refused after ${seconds} s`, {
          err,
        });
      this.#isLate = true;
    } finally {
      this.#refreshing = false;
    }
  }

  /** Tells when the next key expires, at that instant. */
  #awaitEnd(): void {
    const { keys, clock } = this.#parts;
    this.#disarmEnd();
    const next = keys.nextEnd;
    if (next === undefined || this.#over) return;
    this.#disarmEnd = clock.wakeAt(next, () => keys.announce());
  }

  /** Does it again and again, each time so long after the last one has ended. What fails is logged. */
  #every(ms: Millis, work: () => Promise<void>): void {
    const { clock, log } = this.#parts;
    const arm = () => {
      if (this.#over) return;
      const disarm = clock.wakeAt(later(clock.now(), millis(ms)), () => {
        this.#disarm.delete(disarm);
        work()
          .catch((err: unknown) => log.warn("API keys could not be looked after; it is tried again", { err }))
          .finally(arm);
      });
      this.#disarm.add(disarm);
    };
    arm();
  }
}
