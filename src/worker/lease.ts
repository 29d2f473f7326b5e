import { limits } from "#domain/limits";

/** The share of a lease after which the worker gives its runs up: the plane waits a little longer than all of it. */
const FENCE_SHARE = 5 / 6;

/**
 * How long the runs in hand are still ours. Counted from the *sending* of the last message that the
 * plane has acknowledged: the plane counts from receiving it, which is later, so the worker stops
 * before anybody else may start. Pure: every instant comes in, in monotonic milliseconds.
 */
export class Lease {
  #leaseMs = 0;
  #renewedAt: number | undefined;
  #helloAt = 0;
  #beat = 0;
  readonly #sentAt = new Map<number, number>();

  /** A new session begins with this hello; beats count from 1 again. */
  helloSent(at: number): void {
    this.#helloAt = at;
    this.#beat = 0;
    this.#sentAt.clear();
  }

  /** The plane has answered the hello: all that it lets us keep is leased from the hello on. */
  welcomed(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#renew(this.#helloAt);
  }

  /** @returns the number of the heartbeat that is being sent */
  beatSent(at: number): number {
    this.#beat += 1;
    this.#sentAt.set(this.#beat, at);
    if (this.#sentAt.size > limits.heartbeatsRemembered)
      this.#sentAt.delete(this.#beat - limits.heartbeatsRemembered);
    return this.#beat;
  }

  /** The plane has seen this beat, and with it all earlier ones. An unknown beat changes nothing. */
  acknowledged(beat: number): void {
    const at = this.#sentAt.get(beat);
    if (at === undefined) return;
    for (const earlier of this.#sentAt.keys()) if (earlier <= beat) this.#sentAt.delete(earlier);
    this.#renew(at);
  }

  /** When the runs in hand must be given up; never before the first welcome. */
  get fenceAt(): number {
    return this.#renewedAt === undefined
      ? Number.POSITIVE_INFINITY
      : this.#renewedAt + this.#leaseMs * FENCE_SHARE;
  }

  #renew(at: number): void {
    this.#renewedAt = Math.max(at, this.#renewedAt ?? at);
  }
}
