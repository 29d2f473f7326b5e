import type { Millis } from "./time/time.js";

/**
 * Every way in which a request can fail, and whether the caller may send it again. The set is closed: after adding a
 * row here, `wire/faults.ts` does not compile until it maps the row to a code of the wire.
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
  /** The disk is full. Nothing was stored; reads and completions continue. */
  disk_full: { again: "later" },
  /** The plane is starting or draining, or it is unknown whether the commit was written. */
  unavailable: { again: "later" },
  /** The peer took too long to send what it must send; it may connect again. */
  too_slow: { again: "later" },
  /** A row was changed between load and commit. The runtime decides again; callers do not see it. */
  conflict: { again: "after reload" },
  /** This server does not offer it, and never will at this address: its message says what to use instead. */
  not_offered: { again: "never" },
  /** The caller has shown no credential, or one that is not valid. */
  unauthenticated: { again: "never" },
  /** The caller may not do this. */
  denied: { again: "never" },
  /** A bug. Details are only in the server's log. */
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
    // What it quotes of a request may have half a character, which no protocol can carry.
    super(message.toWellFormed(), details.cause === undefined ? {} : { cause: details.cause });
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
