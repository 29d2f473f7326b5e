import { limits } from "#limits/index";

/** The share of a lease after which the Worker stops its Runs; the server waits for more than the whole lease. */
const FENCE_SHARE = 5 / 6;

/**
 * Computes until when the Worker may work on the Runs it holds. The lease counts from when the last acknowledged message
 * was *sent*; the server counts from when it received it, which is later, so that the Worker stops before another may
 * start. Pure: the caller passes every instant, in monotonic milliseconds.
 */
export class Lease {
  #leaseMs = 0;
  #renewedAt: number | undefined;
  #helloAt = 0;
  #beat = 0;
  readonly #sentAt = new Map<number, number>();

  /** Call it when the hello of a new session is sent. Heartbeats are numbered from 1 again. */
  helloSent(at: number): void {
    this.#helloAt = at;
    this.#beat = 0;
    this.#sentAt.clear();
  }

  /** Call it when the server has answered the hello: the lease starts when the hello was sent. */
  welcomed(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#renew(this.#helloAt);
  }

  /** Call it when a heartbeat is sent. @returns its number */
  beatSent(at: number): number {
    this.#beat += 1;
    this.#sentAt.set(this.#beat, at);
    if (this.#sentAt.size > limits.heartbeatsRemembered)
      this.#sentAt.delete(this.#beat - limits.heartbeatsRemembered);
    return this.#beat;
  }

  /** Call it when a heartbeat is acknowledged, which acknowledges all earlier ones. An unknown number is ignored. */
  acknowledged(beat: number): void {
    const at = this.#sentAt.get(beat);
    if (at === undefined) return;
    for (const earlier of this.#sentAt.keys()) if (earlier <= beat) this.#sentAt.delete(earlier);
    this.#renew(at);
  }

  /** When the held Runs must be stopped; infinity before the first welcome. */
  get fenceAt(): number {
    return this.#renewedAt === undefined
      ? Number.POSITIVE_INFINITY
      : this.#renewedAt + this.#leaseMs * FENCE_SHARE;
  }

  /** Milliseconds that are left before the held Runs must be stopped; infinity before the first welcome. */
  leftAt(at: number): number {
    return Math.max(0, this.fenceAt - at);
  }

  #renew(at: number): void {
    this.#renewedAt = Math.max(at, this.#renewedAt ?? at);
  }
}
