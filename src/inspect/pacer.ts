import { limits } from "#limits/index";
import type { Viewer } from "./viewer.js";

/**
 * Calls `send` while something waits for a viewer, every {@link limits.inspectEvery}: so a server under load makes
 * few large writes. Has no timer while nothing waits.
 */
export class Pacer {
  readonly #viewer: Pick<Viewer, "isIdle">;
  readonly #send: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param send takes some of what waits; it may take nothing if its peer is slow */
  constructor(viewer: Pick<Viewer, "isIdle"> & { onReady: () => void }, send: () => void) {
    this.#viewer = viewer;
    this.#send = send;
    viewer.onReady = () => this.#arm();
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
      if (!this.#viewer.isIdle) this.#arm();
    }, limits.inspectEvery).unref();
  }
}
