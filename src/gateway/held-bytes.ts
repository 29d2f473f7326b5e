import type { Fault } from "#domain/fault";
import type { Millis } from "#domain/time";

/** One request or answer that a peer has not finished sending or taking, and what it keeps in memory. */
export class Holding {
  readonly cut: (fault: Fault) => void;
  bytes = 0;
  /** When it was held first, from `performance.now()`. */
  since = 0;

  /** @param cut ends it with this failure and lets go of its bytes; called at most once for each time it is held */
  constructor(cut: (fault: Fault) => void) {
    this.cut = cut;
  }
}

export interface HeldBounds {
  /** Bytes of all together. */
  readonly bytes: number;
  readonly holdings: number;
  /** How long each may take; as long as it likes if left out. */
  readonly deadline?: Millis;
  /** Why one is cut that took longer than `deadline`. */
  readonly late?: () => Fault;
  /** Why the oldest is cut when there are too many of them, or too many bytes. */
  readonly full: () => Fault;
}

/** How often deadlines are looked at. */
const SWEEP_MS = 1_000;

/**
 * What peers make this process hold, bounded in number, bytes and time over all connections. When a bound is
 * passed, the oldest is cut: whoever sends and reads at a normal pace is never the oldest for long.
 */
export class HeldBytes {
  readonly #bounds: HeldBounds;
  /** In the order in which they were held first, which is that of their deadlines. */
  readonly #holdings = new Set<Holding>();
  #bytes = 0;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(bounds: HeldBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#holdings.size;
  }

  /** Counts it with so many bytes from now on; the first time starts its deadline. It may be cut within this call. */
  hold(holding: Holding, bytes: number): void {
    if (!this.#holdings.has(holding)) {
      holding.since = performance.now();
      holding.bytes = 0;
      this.#holdings.add(holding);
      this.#startSweeping();
    }
    this.#bytes += bytes - holding.bytes;
    holding.bytes = bytes;
    while (this.#bytes > this.#bounds.bytes || this.#holdings.size > this.#bounds.holdings) {
      const [oldest] = this.#holdings;
      if (!oldest) return;
      this.#cut(oldest, this.#bounds.full());
    }
  }

  /** Forgets it; nothing happens if it is not held. */
  release(holding: Holding): void {
    if (!this.#holdings.delete(holding)) return;
    this.#bytes -= holding.bytes;
    holding.bytes = 0;
  }

  #cut(holding: Holding, fault: Fault): void {
    this.release(holding);
    holding.cut(fault);
  }

  /** Stops by itself, so that a busy server does not start and stop it with every request. */
  #startSweeping(): void {
    const { deadline, late } = this.#bounds;
    if (this.#sweeping || deadline === undefined || !late) return;
    const every = Math.min(SWEEP_MS, deadline);
    this.#sweeping = setInterval(() => {
      const end = performance.now() - deadline;
      for (const holding of this.#holdings) {
        if (holding.since > end) break;
        this.#cut(holding, late());
      }
      if (this.#holdings.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    }, every).unref();
  }
}
