import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";

/** Node's timers end after 24.8 days; a deadline further away counts as none. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const PER_UNIT: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** The header with the deadline of a call: of gRPC and gRPC-Web, and of Connect. */
export type TimeoutHeader = "grpc-timeout" | "connect-timeout-ms";

/**
 * How long a caller waits, in milliseconds; undefined if it sets no deadline, or one that is further away than timers
 * go.
 *
 * @throws {Fault} `invalid` if the header cannot be read
 */
export function readTimeout(name: TimeoutHeader, value: string | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  // gRPC allows 8 digits; some clients send more for deadlines beyond a day.
  const pattern = name === "grpc-timeout" ? /^(\d{1,16})\s*([HMSmun])$/ : /^(\d{1,10})$/;
  const [, amount, unit = "m"] = pattern.exec(value) ?? [];
  if (amount === undefined) throw unreadable(name, value);
  const ms = Number(amount) * (PER_UNIT[unit] ?? 1);
  return ms > TIMER_MAX_MS ? undefined : ms;
}

/** The deadline that a caller has set for one call. The same on every mount: what it does is up to the mount. */
export class Deadline {
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((fault: Fault) => void)[] = [];
  #fault: Fault | undefined;

  /** @param ms from {@link readTimeout} */
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.#pass(), ms);
  }

  /** Calls `then` when it passes, or at once if it has passed. */
  onPassed(then: (fault: Fault) => void): void {
    if (this.#fault) then(this.#fault);
    else this.#listeners.push(then);
  }

  /** Resolves like `work`, unless the deadline passes before: then it rejects, and `work` goes on unheard. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.onPassed(reject);
    });
  }

  /** Call when the call has ended. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  #pass(): void {
    this.#fault = deadlinePassed();
    for (const then of this.#listeners) then(this.#fault);
  }
}

function deadlinePassed(): Fault {
  const message = "the deadline of the call has passed; the request may have been carried out all the same.";
  return new Fault("too_slow", message, { reason: "DEADLINE_EXCEEDED", retryAfter: millis(0) });
}

function unreadable(name: TimeoutHeader, value: string): Fault {
  const form =
    name === "grpc-timeout"
      ? "up to 8 digits and one of H, M, S, m, u, n, for example 5S"
      : "up to 10 digits, milliseconds";
  const message = `${name} is ${JSON.stringify(value.slice(0, 64))}; send ${form}.`;
  return new Fault("invalid", message, { reason: "TIMEOUT_MALFORMED" });
}
