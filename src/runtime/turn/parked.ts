import type { AddressedMessage } from "#actors/commands";
import { stepKey } from "#domain/id";
import { type Instant, later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { PlaneHealth } from "#ports/plane";

interface Entry {
  readonly since: Instant;
  tries: number;
  until: Instant;
}

/**
 * Messages that cannot be decided, and whose Run, Step or Task cannot be ended either. Each is tried again after a
 * delay that doubles with every failure, from `limits.parkFirst` to `limits.parkMost`. Kept in memory only: after a
 * restart all are tried at once.
 */
export class ParkedMessages {
  readonly #entries = new Map<string, Entry>();

  /** Returns when the message may be tried again. Evicts the oldest entry when there are `limits.parkedMessages`. */
  park(addressed: AddressedMessage, at: Instant): Instant {
    const key = keyOf(addressed);
    const { since, tries } = this.#entries.get(key) ?? { since: at, tries: 0 };
    const delay = Math.min(limits.parkFirst * 2 ** tries, limits.parkMost);
    const entry = { since, tries: tries + 1, until: later(at, millis(delay)) };
    this.#entries.delete(key);
    this.#dropStale(at);
    this.#entries.set(key, entry);
    return entry.until;
  }

  /**
   * True if a worker's report is parked at this time. Always false for deadlines and leases, which are moved instead.
   */
  has(addressed: AddressedMessage, at: Instant): boolean {
    const { type } = addressed.message;
    if (this.#entries.size === 0 || (type !== "report" && type !== "held")) return false;
    const entry = this.#entries.get(keyOf(addressed));
    return entry !== undefined && entry.until > at;
  }

  /** Call when the message has been decided. */
  forget(addressed: AddressedMessage): void {
    if (this.#entries.size > 0) this.#entries.delete(keyOf(addressed));
  }

  /** How many are parked, for `Plane.health`; undefined if none. */
  count(at: Instant): PlaneHealth["parked"] {
    this.#dropStale(at);
    const entries = [...this.#entries.values()];
    if (entries.length === 0) return undefined;
    const since = Math.min(...entries.map((entry) => entry.since)) as Instant;
    const next = Math.min(...entries.map((entry) => entry.until)) as Instant;
    return { count: entries.length, since, next };
  }

  /**
   * Removes entries whose message was not repeated within `limits.parkMost` after its delay, and the oldest when
   * full.
   */
  #dropStale(at: Instant): void {
    for (const [key, { until }] of this.#entries) {
      const stale = later(until, limits.parkMost) <= at;
      if (stale || this.#entries.size >= limits.parkedMessages) this.#entries.delete(key);
    }
  }
}

/** Identifies a message, so that its repetition is recognised. */
function keyOf({ to, message }: AddressedMessage): string {
  switch (message.type) {
    case "deadline.passed":
      return `deadline ${stepKey(message)} ${message.kind}`;
    case "report":
      return `report ${message.report.runId}`;
    case "hello":
      return `hello ${JSON.stringify([message.caller.principal, message.hello.info.workerId])}`;
    case "held":
    case "silent":
      return `${message.type} ${message.session}`;
    default:
      return `${to} ${message.type}`;
  }
}
