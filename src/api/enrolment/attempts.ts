import { Fault } from "#domain/fault";
import { type Instant, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** How many failed attempts there may be, and how fast they are forgotten. */
interface Allowance {
  readonly burst: number;
  readonly perMinute: number;
}

/** Failed attempts to enrol, by the address they come from and by the token. Bounds what guessing costs the server. */
export class Attempts {
  readonly #addresses = new Counts({ burst: limits.enrolBurst, perMinute: 60 * limits.enrolPerSecond });
  readonly #tokens = new Counts({ burst: limits.enrolPerToken, perMinute: limits.enrolPerToken });

  /** Counts an attempt from an address before it is looked at. @throws {Fault} `overloaded` if there were too many */
  ofAddress(address: string, now: Instant): Attempt {
    return this.#addresses.take(address, now);
  }

  /** Likewise with a token that is known. */
  ofToken(id: string, now: Instant): Attempt {
    return this.#tokens.take(id, now);
  }
}

/** An attempt that was counted. */
export interface Attempt {
  /** It did not fail: it is counted no more. */
  succeeded(): void;
}

class Counts {
  readonly #allowance: Allowance;
  /** What is used up, and when it was looked at; only of those that have used up something. */
  readonly #used = new Map<string, { used: number; at: Instant }>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  take(key: string, now: Instant): Attempt {
    const { burst } = this.#allowance;
    const used = this.#usedBy(key, now);
    if (used + 1 > burst)
      throw tooMany(millis(Math.ceil(((used + 1 - burst) * 60_000) / this.#allowance.perMinute)));
    if (!this.#used.has(key) && this.#used.size >= limits.enrolRemembered) this.#forget(now);
    if (!this.#used.has(key) && this.#used.size >= limits.enrolRemembered) throw tooMany(limits.retryAfter);
    this.#used.set(key, { used: used + 1, at: now });
    return {
      succeeded: () => {
        const there = this.#used.get(key);
        if (there && there.used > 1) there.used -= 1;
        else this.#used.delete(key);
      },
    };
  }

  #usedBy(key: string, now: Instant): number {
    const { used = 0, at = now } = this.#used.get(key) ?? {};
    return Math.max(0, used - ((now - at) * this.#allowance.perMinute) / 60_000);
  }

  #forget(now: Instant): void {
    for (const key of this.#used.keys()) if (this.#usedBy(key, now) === 0) this.#used.delete(key);
  }
}

function tooMany(retryAfter: Millis): Fault {
  const message = "there were too many attempts to enrol that failed: wait, then check the token.";
  return new Fault("overloaded", message, { reason: "TOO_MANY_ATTEMPTS", retryAfter });
}
