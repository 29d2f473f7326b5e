import { setTimeout } from "node:timers/promises";
import type { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { StoreOutage } from "#ports/store";
import { unavailable } from "./failure.js";

/**
 * Whether the database can be reached. One loop looks for it while it is away, however many calls have noticed; calls
 * wait for it for a while, and are refused at once when it has been away for longer.
 */
export class Availability {
  readonly #shown: string;
  readonly #probe: () => Promise<void>;
  #outage: { readonly since: number; readonly wall: number; said: string } | undefined;
  #back: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * @param shown the database, without a password
   * @param probe resolves if the database serves again; rejects while it does not
   */
  constructor(shown: string, probe: () => Promise<void>) {
    this.#shown = shown;
    this.#probe = probe;
  }

  /** What an operator is told; nothing of an outage that calls still wait out. */
  get outage(): StoreOutage | undefined {
    if (!this.#outage || performance.now() - this.#outage.since < limits.postgresPatience) return undefined;
    const { wall, said } = this.#outage;
    return {
      since: wall,
      message: `${this.#shown} cannot be reached (${said}); it is tried again until it can`,
    };
  }

  /** Call with each error that shows that the database is away. */
  lost(error: unknown): void {
    const said = error instanceof Error ? error.message : String(error);
    if (this.#outage) {
      this.#outage.said = said;
      return;
    }
    this.#outage = { since: performance.now(), wall: Date.now(), said };
    this.#back = this.#untilBack();
  }

  /** Undefined if it is there, so that the common case needs no tick. */
  ready(patience: Millis): Promise<void> | undefined {
    return this.#outage ? this.#wait(patience) : undefined;
  }

  close(): void {
    this.#closed = true;
  }

  /** @throws {Fault} `unavailable` if the outage lasts, or has lasted, longer than `patience` */
  async #wait(patience: Millis): Promise<void> {
    for (let outage = this.#outage; outage; outage = this.#outage) {
      const left = outage.since + patience - performance.now();
      if (left <= 0 || this.#closed) throw this.#refusal(outage.said);
      const enough = new AbortController();
      const timeout = setTimeout(left, undefined, { signal: enough.signal }).catch(() => {});
      await Promise.race([this.#back, timeout]);
      enough.abort();
    }
  }

  #refusal(said: string): Fault {
    return unavailable(this.#shown, said);
  }

  async #untilBack(): Promise<void> {
    let delay: number = limits.postgresBackoffFirst;
    while (!this.#closed) {
      try {
        await this.#probe();
        this.#outage = undefined;
        return;
      } catch (error) {
        if (this.#outage) this.#outage.said = error instanceof Error ? error.message : String(error);
      }
      // Half of it by chance, so that many servers do not come at once.
      await setTimeout(delay * (0.5 + Math.random() / 2), undefined, { ref: false });
      delay = Math.min(2 * delay, limits.postgresBackoffMost);
    }
  }
}
