import type { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** One request or answer that a peer has not finished sending or reading, and what it keeps in memory. */
export class BufferUse {
  readonly cut: (fault: Fault) => void;
  /** Counts the bytes of all that is held for the same peer. */
  readonly quota: { bytes: number } | undefined;
  bytes = 0;
  /** When it was held first, from `performance.now()`. */
  since = 0;

  /** @param cut ends it with this failure and lets go of its bytes; called at most once for each time it is held */
  constructor(cut: (fault: Fault) => void, quota?: { bytes: number }) {
    this.cut = cut;
    this.quota = quota;
  }
}

export interface BufferBounds {
  readonly uses: number;
  /** How long each may take; as long as it likes if left out. */
  readonly deadline?: Millis;
  /** Why one is cut that took longer than `deadline`. */
  readonly late?: () => Fault;
  /** Why the oldest is cut when there are too many of them, or too many bytes. */
  readonly full: () => Fault;
}

/**
 * Bytes that are held for peers, whatever for. Above `usual` the oldest is cut, unless it is so young that its peer
 * may well be sending or reading as fast as it can; above `most` it is cut in any case.
 */
export class BufferBudget {
  readonly #usual: number;
  readonly #most: number;
  readonly #kinds: BufferedBytes[] = [];
  #bytes = 0;
  /** Called when some have been let go of. */
  onLess: () => void = () => undefined;

  constructor(usual: number, most: number) {
    this.#usual = usual;
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes part in the budget from now on. */
  join(kind: BufferedBytes): void {
    this.#kinds.push(kind);
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) this.onLess();
  }

  /** @param wanted bytes that somebody waits for: for their sake what is old goes, and nothing that is young */
  makeRoom(wanted = 0): void {
    while (this.#bytes + wanted > this.#usual) {
      const [first, ...others] = this.#kinds.filter(({ oldest }) => oldest);
      if (!first) return;
      const kind = others.reduce((found, each) => (sinceOf(each) < sinceOf(found) ? each : found), first);
      if (this.#bytes <= this.#most && performance.now() - sinceOf(kind) < limits.bufferedGrace) return;
      kind.cutOldest();
    }
  }
}

const sinceOf = ({ oldest }: BufferedBytes) => oldest?.since ?? Number.POSITIVE_INFINITY;

/**
 * One kind of what peers make this process hold, bounded in number and time over all connections, and in bytes
 * together with the other kinds of its budget. When a bound is passed, the oldest is cut: whoever sends and reads at
 * a normal pace is never the oldest for long.
 */
export class BufferedBytes {
  readonly #budget: BufferBudget;
  readonly #bounds: BufferBounds;
  /** In the order in which they were held first, which is that of their deadlines. */
  readonly #uses = new Set<BufferUse>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(budget: BufferBudget, bounds: BufferBounds) {
    this.#budget = budget;
    this.#bounds = bounds;
    budget.join(this);
  }

  get count(): number {
    return this.#uses.size;
  }

  /** Bytes of this kind alone. */
  get bytes(): number {
    let bytes = 0;
    for (const use of this.#uses) bytes += use.bytes;
    return bytes;
  }

  get oldest(): BufferUse | undefined {
    const [oldest] = this.#uses;
    return oldest;
  }

  /** Counts it with so many bytes from now on; the first time starts its deadline. It may be cut within this call. */
  use(use: BufferUse, bytes: number): void {
    if (!this.#uses.has(use)) {
      use.since = performance.now();
      use.bytes = 0;
      this.#uses.add(use);
      this.#startSweeping();
      if (this.#uses.size > this.#bounds.uses) this.cutOldest();
    }
    const more = bytes - use.bytes;
    use.bytes = bytes;
    if (use.quota) use.quota.bytes += more;
    this.#budget.add(more);
    if (more > 0) this.#budget.makeRoom();
  }

  /** Forgets it; nothing happens if it is not held. */
  release(use: BufferUse): void {
    if (!this.#uses.delete(use)) return;
    if (use.quota) use.quota.bytes -= use.bytes;
    this.#budget.add(-use.bytes);
    use.bytes = 0;
  }

  cutOldest(): void {
    if (this.oldest) this.#cut(this.oldest, this.#bounds.full());
  }

  #cut(use: BufferUse, fault: Fault): void {
    this.release(use);
    use.cut(fault);
  }

  /** Stops by itself, so that a busy server does not start and stop it with every request. */
  #startSweeping(): void {
    const { deadline, late } = this.#bounds;
    if (this.#sweeping || deadline === undefined || !late) return;
    const every = Math.min(limits.deadlineEvery, deadline);
    this.#sweeping = setInterval(() => {
      const end = performance.now() - deadline;
      for (const use of this.#uses) {
        if (use.since > end) break;
        this.#cut(use, late());
      }
      if (this.#uses.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    }, every).unref();
  }
}
