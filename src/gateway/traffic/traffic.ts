import { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { CounterName, Telemetry } from "#ports/telemetry";
import { Pace } from "../connections/pace.js";
import { AnswerAdmission } from "./answer-admission.js";
import { BufferBudget, BufferedBytes } from "./buffered-bytes.js";
import { Compressor } from "./compression.js";

/** The memory that all listeners use for peers that have not finished sending or reading. */
export class Traffic {
  /** Requests, and messages of streams, that are being received. */
  readonly unfinished: BufferedBytes;
  /** Answers of unary requests that were written and not read. */
  readonly untaken: BufferedBytes;
  /** Messages of streams that wait, in both directions. Without a deadline: a reader may pause while there is room. */
  readonly stalled: BufferedBytes;
  /** Admits requests before a possibly large answer is read for them. */
  readonly answers: AnswerAdmission;
  readonly compressor = new Compressor();
  /** Paces messages of streams, before each is taken. */
  readonly pace = new Pace();

  /** @param body how long a message may take, in either direction, in milliseconds */
  constructor(telemetry: Telemetry, body: Millis = limits.body) {
    const cut = (direction: "request" | "answer", cause: "late" | "full") =>
      telemetry.count("taskrun_messages_cut_total" satisfies CounterName, { direction, cause });
    const answersFull = (cause: "late" | "full", why: string) => {
      cut("answer", cause);
      const message = `${why}: read those that you have, and ask for this one a little later.`;
      return new Fault("overloaded", message, { reason: "ANSWERS_FULL", retryAfter: limits.retryAfter });
    };
    const budget = new BufferBudget(limits.bufferedBytes, limits.bufferedBytesMost);
    this.unfinished = new BufferedBytes(budget, {
      uses: limits.unfinishedRequests,
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
    this.untaken = new BufferedBytes(budget, {
      uses: Number.POSITIVE_INFINITY,
      deadline: body,
      late: () => {
        cut("answer", "late");
        return tooSlow(`the answer was not read within ${body / 1_000} s.`, "ANSWER_NOT_READ");
      },
      full,
    });
    this.stalled = new BufferedBytes(budget, { uses: Number.POSITIVE_INFINITY, full });
    const waiting = new BufferedBytes(budget, {
      uses: limits.answersWaiting,
      deadline: body,
      late: () => answersFull("late", `there was no room for the answer within ${body / 1_000} s`),
      full: () =>
        answersFull("full", `${limits.answersWaiting} requests wait for room for their answers already`),
    });
    this.answers = new AnswerAdmission(budget, this.untaken, waiting);
  }
}

function tooSlow(message: string, reason: string): Fault {
  return new Fault("too_slow", message, { reason });
}

function overloaded(message: string, reason: string): Fault {
  return new Fault("overloaded", message, { reason });
}
