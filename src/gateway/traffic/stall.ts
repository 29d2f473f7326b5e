import { limits } from "#limits/index";
import type { FrameQueue } from "./frame-queue.js";

/** Detects a peer that takes nothing of what waits in its queue. Has no timer while nothing waits. */
export class StallWatch {
  readonly #queue: Pick<FrameQueue<unknown>, "unsentBytes" | "progress">;
  readonly #stalled: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param stalled called when something has waited for {@link limits.streamStall} and nothing was taken */
  constructor(queue: Pick<FrameQueue<unknown>, "unsentBytes" | "progress">, stalled: () => void) {
    this.#queue = queue;
    this.#stalled = stalled;
  }

  /** Call when something has been pushed. */
  arm(): void {
    if (this.#timer || this.#queue.unsentBytes === 0) return;
    const { progress } = this.#queue;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#queue.unsentBytes > 0 && this.#queue.progress === progress) this.#stalled();
      else this.arm();
    }, limits.streamStall).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
