import { Fault } from "#domain/fault";
import { type ByNamespace, limitOf } from "#domain/namespace-limits";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** How many Tasks a namespace may be given in a second, on the average; `*` is each namespace that is not named. */
export type RatesByNamespace = ByNamespace;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/**
 * Bounds how fast Tasks are created in each namespace, by a token bucket of `limits.createBurst`. Counts what one server is
 * asked for, also of Tasks that turn out to be there already.
 */
export class CreateRates {
  readonly #rates: RatesByNamespace;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param now in milliseconds, monotonic */
  constructor(rates: RatesByNamespace, now: () => number = () => performance.now()) {
    this.#rates = rates;
    this.#now = now;
  }

  /** Takes room for a new Task. @throws {Fault} `overloaded` if there is none; then nothing is taken */
  take(namespace: string): void {
    const rate = limitOf(this.#rates, namespace);
    if (rate === undefined) return;
    const bucket = this.#filled(namespace, rate);
    // A rate that saves up less than one Task allows one all the same, when it has saved up all: then it falls below 0.
    const missing = Math.min(1, burstOf(rate)) - bucket.tokens;
    if (missing > 0) throw tooFast(namespace, rate, missing);
    bucket.tokens -= 1;
  }

  #filled(namespace: string, rate: number): Bucket {
    const most = burstOf(rate);
    const now = this.#now();
    const known = this.#buckets.get(namespace);
    if (!known) {
      if (this.#buckets.size >= limits.createBuckets) this.#forgetFull(now);
      const made = { tokens: most, filledAt: now };
      this.#buckets.set(namespace, made);
      return made;
    }
    known.tokens = Math.min(most, known.tokens + ((now - known.filledAt) / 1_000) * rate);
    known.filledAt = now;
    return known;
  }

  /** A full bucket is as none. If all are in use, all are forgotten: for a moment more is let in than should be. */
  #forgetFull(now: number): void {
    for (const [namespace, { tokens, filledAt }] of this.#buckets) {
      const rate = limitOf(this.#rates, namespace) ?? 0;
      if (tokens + ((now - filledAt) / 1_000) * rate >= burstOf(rate)) this.#buckets.delete(namespace);
    }
    if (this.#buckets.size >= limits.createBuckets) this.#buckets.clear();
  }
}

function burstOf(rate: number): number {
  return (limits.createBurst / 1_000) * rate;
}

function tooFast(namespace: string, rate: number, missing: number): Fault {
  const wait = millis(Math.max(1, Math.ceil((missing / rate) * 1_000)));
  const message = `namespace "${namespace}" creates more than ${rate} tasks a second; nothing was stored, try again later`;
  return new Fault("overloaded", message, { reason: "CREATE_RATE", retryAfter: wait });
}
