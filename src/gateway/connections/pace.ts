import { limits } from "#limits/index";

/**
 * Bounds how many messages of streams are handled in one iteration of the event loop, so that timers, sockets and other
 * requests are served in between. Further messages wait, first come first served. A stream asks for one message at a
 * time, so that a peer that sends a thousand at once does not delay a peer that sends one.
 */
export class Pace {
  readonly #perIteration: number;
  #left: number;
  #renewing = false;
  #waiting: (() => void)[] = [];

  constructor(perIteration: number = limits.messagesPerIteration) {
    this.#perIteration = perIteration;
    this.#left = perIteration;
  }

  /**
   * Call before taking each message.
   *
   * @returns undefined if it may be handled now; otherwise a promise to await, which never rejects
   */
  next(): Promise<void> | undefined {
    if (!this.#renewing) {
      this.#renewing = true;
      setImmediate(() => this.#renew());
    }
    if (this.#left > 0) {
      this.#left -= 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Called in the next iteration of the event loop. */
  #renew(): void {
    const admitted = this.#waiting.splice(0, this.#perIteration);
    this.#left = this.#perIteration - admitted.length;
    this.#renewing = admitted.length > 0;
    if (this.#renewing) setImmediate(() => this.#renew());
    for (const admit of admitted) admit();
  }
}
