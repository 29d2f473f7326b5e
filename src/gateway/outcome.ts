import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import { type FailureName, type StatusName, statusOf } from "#wire/faults";
import type { Rpc } from "./rpc.js";

/** How a request ended. */
export type Outcome = { readonly status: "OK"; readonly fault?: undefined } | Failure;

export interface Failure {
  readonly status: FailureName;
  readonly fault: Fault;
}

export const OK: Outcome = { status: "OK" };

/** The peer has cancelled, so that the answer is not sent. */
export const CANCELLED: Failure = {
  status: "CANCELLED",
  fault: new Fault("unavailable", "the caller is gone"),
};

/** Counts and times the requests of one rpc, or of one path, on one mount, and logs errors that are bugs of the server. */
export class Meter {
  readonly #telemetry: Telemetry;
  readonly #rpc: string;
  readonly #listener: string;
  readonly #timeLabels: Readonly<Record<string, string>>;
  readonly #countLabels = new Map<StatusName, Readonly<Record<string, string>>>();
  #warnAt = 0;
  /** Requests that could not be decoded since the last warning. */
  #unwarned = 0;

  /** @param rpc or the path of what is no rpc */
  constructor(telemetry: Telemetry, rpc: Pick<Rpc, "method"> | string, listener: string) {
    this.#telemetry = telemetry;
    this.#rpc = typeof rpc === "string" ? rpc : `${rpc.method.parent.typeName}/${rpc.method.name}`;
    this.#listener = listener;
    this.#timeLabels = { rpc: this.#rpc };
  }

  /** The failure to send for an error. An error that is no Fault is a bug: it is logged, and its text is not sent. */
  outcomeOf(error: unknown): Failure {
    if (error === CANCELLED.fault) return CANCELLED;
    if (error instanceof Fault) return { status: statusOf(error), fault: error };
    this.#telemetry.log.error("a request failed by a bug", {
      rpc: this.#rpc,
      door: this.#listener,
      err: error,
    });
    const fault = new Fault("internal", `${this.#rpc} failed inside; the server's log says why.`);
    return { status: "INTERNAL", fault };
  }

  count({ status, fault }: Outcome): void {
    if (fault && undecodable.has(fault.reason)) this.#noteUndecodable(fault);
    let labels = this.#countLabels.get(status);
    if (!labels) {
      labels = { rpc: this.#rpc, door: this.#listener, code: status };
      this.#countLabels.set(status, labels);
    }
    this.#telemetry.count("taskrun_requests_total", labels);
  }

  /** Such a request is a bug of its sender, of which the sender's operator may not know. */
  #noteUndecodable({ reason, message }: Fault): void {
    this.#telemetry.count("taskrun_messages_undecodable_total", { door: this.#listener, reason });
    this.#unwarned++;
    const now = performance.now();
    if (now < this.#warnAt) return;
    this.#warnAt = now + limits.undecodableLogged;
    this.#telemetry.log.warn("a request cannot be decoded", {
      rpc: this.#rpc,
      door: this.#listener,
      reason,
      why: message.slice(0, WHY_CHARS),
      since: this.#unwarned,
    });
    this.#unwarned = 0;
  }

  /** @param beganAt from `performance.now()` */
  time(beganAt: number): void {
    const seconds = (performance.now() - beganAt) / 1_000;
    this.#telemetry.observe("taskrun_request_seconds", seconds, this.#timeLabels);
  }
}

/** The reasons of requests that the gateway could not decode, whatever they asked for. */
const undecodable: ReadonlySet<string> = new Set([
  "MESSAGE_MALFORMED",
  "MESSAGE_CUT_SHORT",
  "MESSAGE_MISSING",
  "MESSAGE_TOO_MANY",
  "UNKNOWN_FIELD",
  "UNKNOWN_ENUM_VALUE",
  "COMPRESSION_UNKNOWN",
  "COMPRESSION_BROKEN",
  "TIMEOUT_MALFORMED",
]);

/** What the log says of why is cut to this length: parts of it are the peer's own. */
const WHY_CHARS = 512;

export function drainingFault(): Fault {
  return new Fault("unavailable", "server draining", { reason: "DRAINING" });
}

/** The fault for an answer above the size of a message. It has no retry delay, because a retry would fail too. */
export function answerTooLarge(bytes: number): Fault {
  const message = `the answer is ${bytes} bytes long; the limit is ${limits.messageBytes} bytes: ask for less.`;
  return new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}
