import { limits } from "#limits/index";
import type { Listener } from "./listener.js";

/**
 * Calls `send` while something waits for a listener, every {@link limits.inspectEvery}: so a server under load makes
 * few large writes. Has no timer while nothing waits.
 */
export class Pacer {
  readonly #listener: Pick<Listener, "isIdle">;
  readonly #send: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param send takes some of what waits; it may take nothing if its peer is slow */
  constructor(listener: Pick<Listener, "isIdle"> & { onReady: () => void }, send: () => void) {
    this.#listener = listener;
    this.#send = send;
    listener.onReady = () => this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#timer || this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
      if (!this.#listener.isIdle) this.#arm();
    }, limits.inspectEvery).unref();
  }
}
