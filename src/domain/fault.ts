import type { Millis } from "./time/time.js";

/**
 * Every way a request can fail, and the one thing a caller wants to know: may I send it again?
 * The set is closed: a new failure is a new row here, and `wire/faults.ts` stops compiling until it
 * says which wire code the row becomes.
 */
export const faults = {
  /** The request is malformed; `field` says where. */
  invalid: { again: "never" },
  /** No such task, run, worker or step (or not the caller's, which is the same). */
  not_found: { again: "never" },
  /** The idempotency key belongs to another request. */
  key_conflict: { again: "never" },
  /** This version of the template is registered with another body. */
  template_conflict: { again: "never" },
  /** The thing is in a state that does not allow it. */
  wrong_state: { again: "never" },
  /** A cursor points before what is kept, or past what exists. */
  cursor_expired: { again: "never" },
  cursor_ahead: { again: "never" },
  /** A limit is reached: mailbox, waiting tasks, watchers, lanes. Nothing was stored. */
  overloaded: { again: "later" },
  /** The disk is full. Nothing was stored; reads and completions go on. */
  disk_full: { again: "later" },
  /** The plane is starting, draining, or does not know whether the commit landed. */
  unavailable: { again: "later" },
  /** The peer took too long to say what it must say; it may come back. */
  too_slow: { again: "later" },
  /** A row moved between load and commit. The runtime decides again; callers do not see it. */
  conflict: { again: "after reload" },
  /** The caller may not do this. */
  denied: { again: "never" },
  /** A bug. The message says only where to look. */
  internal: { again: "never" },
} as const satisfies Record<string, { again: "never" | "later" | "after reload" }>;

export type FaultCode = keyof typeof faults;

export interface FaultDetails {
  /** Request field at fault, in the wire's spelling, e.g. `input_json`. */
  readonly field?: string;
  /** Machine-readable reason, UPPER_SNAKE, e.g. `CURSOR_EXPIRED`. Defaults to the code in upper case. */
  readonly reason?: string;
  readonly retryAfter?: Millis;
  /** More facts for programs, e.g. `{ earliest_seq: "17" }`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A failure the caller is meant to handle. What must never happen is an `invariant`, not a Fault. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly details: FaultDetails;

  constructor(code: FaultCode, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  get again() {
    return faults[this.code].again;
  }

  get reason(): string {
    return this.details.reason ?? this.code.toUpperCase();
  }
}
