import { limits } from "#limits/index";

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

/**
 * Bounds the bytes of large answers that are being made for callers in this process, as one connection would: an answer
 * counts with its largest possible size until its caller has it. Requests without room wait, first come first served; the
 * first answer always has room.
 */
export class AnswerRoom {
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;
  #admitting = false;

  /** A place for the answer of one call. Release it once, when the call has ended. */
  place(): AnswerPlace {
    let reserved = 0;
    let waiting: Waiting | undefined;
    return {
      reserve: (bytes) => {
        if (this.#waiting.size === 0 && this.#fits(bytes)) {
          reserved += bytes;
          this.#bytes += bytes;
          return undefined;
        }
        return new Promise((resolve) => {
          const admit = () => {
            waiting = undefined;
            reserved += bytes;
            this.#bytes += bytes;
            resolve();
          };
          waiting = { bytes, admit };
          this.#waiting.add(waiting);
        });
      },
      release: () => {
        if (waiting) this.#waiting.delete(waiting);
        this.#bytes -= reserved;
        this.#changed();
      },
    };
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= limits.answersPerConnection;
  }

  /** Admits waiting requests in the next iteration of the event loop, so that timers and sockets are served in between. */
  #changed(): void {
    if (this.#admitting || this.#waiting.size === 0) return;
    this.#admitting = true;
    setImmediate(() => {
      this.#admitting = false;
      this.#admit();
    });
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.bytes)) return;
      this.#waiting.delete(waiting);
      waiting.admit();
    }
  }
}

export interface AnswerPlace {
  /** Undefined if there is room at once. */
  reserve(bytes: number): Promise<void> | undefined;
  release(): void;
}
