import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import type { Millis } from "#domain/time";
import type { CounterName, Telemetry } from "#ports/telemetry";
import { Compressor } from "./compression.js";
import { HeldBudget, HeldBytes } from "./held-bytes.js";

/** What all listeners together hold for peers that have not finished sending, or taking. */
export class Traffic {
  /** Requests, and messages of streams, that have begun and not ended. */
  readonly unfinished: HeldBytes;
  /** Answers of unary requests that were sent and not taken. */
  readonly untaken: HeldBytes;
  /** The same of streams, in both directions. A reader may pause for as long as it likes while there is room. */
  readonly stalled: HeldBytes;
  readonly compressor = new Compressor();

  /** @param body how long a message may take, in either direction */
  constructor(telemetry: Telemetry, body: Millis = limits.body) {
    const cut = (direction: "request" | "answer", cause: "late" | "full") =>
      telemetry.count("taskrun_messages_cut_total" satisfies CounterName, { direction, cause });
    const budget = new HeldBudget(limits.heldBytes, limits.heldBytesMost);
    this.unfinished = new HeldBytes(budget, {
      holdings: limits.unfinishedRequests,
      deadline: body,
      late: () => {
        cut("request", "late");
        return tooSlow(
          `the request was not complete after ${body / 1_000} s: send it faster, or less at once.`,
          "BODY_TIMEOUT",
        );
      },
      full: () => {
        cut("request", "full");
        return overloaded(
          "too many requests are being received at once, and this one has taken longest: send it again.",
          "RECEIVING_FULL",
        );
      },
    });
    const full = () => {
      cut("answer", "full");
      return overloaded(
        "too much waits to be read, and this stream has waited longest: read faster.",
        "SENDING_FULL",
      );
    };
    this.untaken = new HeldBytes(budget, {
      holdings: Number.POSITIVE_INFINITY,
      deadline: body,
      late: () => {
        cut("answer", "late");
        return tooSlow(`the answer was not read within ${body / 1_000} s.`, "ANSWER_NOT_READ");
      },
      full,
    });
    this.stalled = new HeldBytes(budget, { holdings: Number.POSITIVE_INFINITY, full });
  }
}

function tooSlow(message: string, reason: string): Fault {
  return new Fault("too_slow", message, { reason });
}

function overloaded(message: string, reason: string): Fault {
  return new Fault("overloaded", message, { reason });
}
