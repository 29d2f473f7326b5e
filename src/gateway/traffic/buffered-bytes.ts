import type { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** One request or answer that a peer has not finished sending or reading, with the bytes that it buffers. */
export class BufferUse {
  readonly cut: (fault: Fault) => void;
  /** Counts the bytes of all uses of the same connection. */
  readonly quota: { bytes: number } | undefined;
  bytes = 0;
  /** When it was counted first, from `performance.now()`. */
  since = 0;

  /** @param cut must end it with this fault and release its bytes; called at most once each time it is counted */
  constructor(cut: (fault: Fault) => void, quota?: { bytes: number }) {
    this.cut = cut;
    this.quota = quota;
  }
}

export interface BufferBounds {
  readonly uses: number;
  /** How long each may take, in milliseconds; unbounded if left out. */
  readonly deadline?: Millis;
  /** The fault for one that took longer than `deadline`. */
  readonly late?: () => Fault;
  /** The fault for the oldest when there are too many of them, or too many bytes. */
  readonly full: () => Fault;
}

/**
 * A budget of bytes buffered for peers, shared by all kinds of {@link BufferedBytes}. Above `usual` the oldest use is
 * cut, unless it is so young that its peer may still be sending or reading at full speed; above `most` it is cut in any
 * case.
 */
export class BufferBudget {
  readonly #usual: number;
  readonly #most: number;
  readonly #kinds: BufferedBytes[] = [];
  #bytes = 0;
  /** Called when bytes have been released. */
  onLess: () => void = () => undefined;

  constructor(usual: number, most: number) {
    this.#usual = usual;
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a kind to the budget. */
  join(kind: BufferedBytes): void {
    this.#kinds.push(kind);
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) this.onLess();
  }

  /**
   * Cuts uses above the bounds.
   *
   * @param wanted bytes that requests wait for: old uses are cut for them, young ones are not
   */
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
 * One kind of use of memory by peers, bounded in number and time over all connections, and in bytes together with the
 * other kinds of its budget. When a bound is exceeded, the oldest is cut: a peer that sends and reads at a normal
 * pace is not the oldest for long.
 */
export class BufferedBytes {
  readonly #budget: BufferBudget;
  readonly #bounds: BufferBounds;
  /** Ordered by when they were first counted, which is also the order of their deadlines. */
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

  /** Counts a use with this many bytes from now on. The first call starts its deadline. May cut it within the call. */
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

  /** Stops counting a use. Does nothing if it is not counted. */
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

  /**
   * Starts the sweep if it is not running. It ends when nothing is counted, so that a busy server rarely restarts it.
   */
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
