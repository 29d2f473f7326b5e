import { limits } from "#limits/index";

/**
 * Bounds how many messages of streams are dealt with before timers, sockets and requests get their turn. Messages
 * past the bound wait, and are let on in the order in which their streams have asked: a stream asks for one at a
 * time, so that who sends a thousand at once does not delay who sends one.
 */
export class Pace {
  #left: number = limits.messagesPerIteration;
  #renewing = false;
  #waiting: (() => void)[] = [];

  /**
   * To be called before each message that is taken.
   *
   * @returns undefined if it may be dealt with now; otherwise wait for this, which does not fail
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

  /** The event loop has come round. */
  #renew(): void {
    const admitted = this.#waiting.splice(0, limits.messagesPerIteration);
    this.#left = limits.messagesPerIteration - admitted.length;
    this.#renewing = admitted.length > 0;
    if (this.#renewing) setImmediate(() => this.#renew());
    for (const admit of admitted) admit();
  }
}
