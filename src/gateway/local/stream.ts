import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Fault } from "#domain/fault";
import type { Pace } from "../connections/pace.js";
import { CANCELLED, type Meter, OK, type Outcome } from "../outcome.js";
import type { OpenStream } from "../traffic/streams.js";
import { localError } from "./failure.js";
import { answered } from "./messages.js";

export interface LocalStreamParts {
  /** The schema of the answers. */
  readonly output: DescMessage;
  /** The handler's answers. Must end soon after the stream's signal has aborted. */
  readonly answers: AsyncIterable<Message>;
  readonly open: OpenStream;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal;
  readonly pace: Pace;
  readonly meter: Meter;
  /** Why nothing is served any more; undefined while something is. */
  readonly stopped: () => Fault | undefined;
  /** Called once, when the stream has ended for whatever reason. */
  readonly ended: () => void;
}

/**
 * The answers of one stream for a caller in this process. The handler is asked for the next one when the caller asks, so
 * that nothing waits in between. When either side ends the stream, the handler is told at once, even if the caller never
 * asks again.
 */
export class LocalStream implements AsyncIterable<Message>, AsyncIterator<Message, undefined> {
  readonly #parts: LocalStreamParts;
  readonly #answers: AsyncIterator<Message>;
  readonly #gone: () => void;
  #outcome: Outcome | undefined;

  constructor(parts: LocalStreamParts) {
    const { open, signal, answers } = parts;
    this.#parts = parts;
    this.#answers = answers[Symbol.asyncIterator]();
    this.#gone = () => open.gone();
    signal.addEventListener("abort", this.#gone);
    open.signal.addEventListener("abort", () => this.#aborted(), { once: true });
    if (signal.aborted) open.gone();
    else if (open.signal.aborted) this.#aborted();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    if (!this.#outcome) {
      try {
        const message = await this.#take();
        if (message) return { done: false, value: message };
        this.#end(OK);
      } catch (error) {
        const { open, meter } = this.#parts;
        this.#end(open.signal.aborted ? CANCELLED : meter.outcomeOf(error));
      }
    }
    const outcome = this.#outcome ?? OK;
    // A failure is reported once; a caller that asks again is at the end.
    this.#outcome = OK;
    if (outcome.fault) throw localError(outcome);
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    this.#parts.open.gone();
    return { done: true, value: undefined };
  }

  /** The next answer; undefined at the end. */
  async #take(): Promise<Message | undefined> {
    const { output, open, pace } = this.#parts;
    const crowded = pace.next();
    if (crowded) await crowded;
    const { done, value } = await this.#answers.next();
    return done || open.signal.aborted ? undefined : answered(output, value);
  }

  #aborted(): void {
    this.#end(CANCELLED);
    // What the handler throws at its end belongs to nobody any more.
    this.#answers.return?.()?.catch(() => undefined);
  }

  #end(outcome: Outcome): void {
    if (this.#outcome) return;
    const { open, meter, signal, stopped, ended } = this.#parts;
    const fault = open.fault && (stopped() ?? open.fault);
    this.#outcome = fault ? meter.outcomeOf(fault) : open.signal.aborted ? CANCELLED : outcome;
    signal.removeEventListener("abort", this.#gone);
    meter.count(this.#outcome);
    ended();
  }
}
