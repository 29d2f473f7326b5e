import type { ActorName } from "#actors/commands";
import type { Bus } from "#bus/bus";
import { Fault, type FaultCode } from "#domain/fault";
import { later, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Core } from "../core.js";
import type { Message, PostedMail } from "./turn.js";

/**
 * Refusals after which nothing was written for certain. After any other failure the plane stops and must be
 * restarted.
 */
const nothingWritten: ReadonlySet<FaultCode> = new Set([
  "conflict",
  "disk_full",
  "overloaded",
  "unavailable",
]);

/** The store's refusal, if the error is one after which the turn may be decided again. */
export function refusalOf(error: unknown): Fault | undefined {
  return error instanceof Fault && nothingWritten.has(error.code) ? error : undefined;
}

/**
 * Handles the messages of a turn that the store refused. Memory must already be rolled back. The messages are decided
 * again one by one, so that a single message cannot block the others; a client's message is refused at once.
 *
 * Messages that have lost against another node, in a turn that was committed without them, are decided one by one, too.
 */
export class RefusedTurns {
  readonly #core: Core;
  readonly #bus: Bus<ActorName, Message>;
  /** Consecutive conflicts. After a few, the next try waits. */
  #conflicts = 0;
  /** True after a refusal, until a turn is committed: messages are decided one by one. */
  alone = false;
  /** How many messages are to be decided one by one because they have lost. */
  #losers = 0;

  constructor(core: Core, bus: Bus<ActorName, Message>) {
    this.#core = core;
    this.#bus = bus;
  }

  /** Call when a turn has been committed, with all its messages: they are decided together again. */
  passed(): void {
    this.#losers = Math.max(0, this.#losers - 1);
    this.alone = this.#losers > 0;
    this.#conflicts = 0;
  }

  /**
   * Call when a turn was committed without messages that have lost, which are back in their mailboxes. Resolves when the next
   * turn may begin: one that lost although it was alone waits, longer each time.
   *
   * @param count how many messages the turn had taken
   */
  async lost(losers: readonly PostedMail[], count: number): Promise<void> {
    this.alone = true;
    this.#losers = Math.max(this.#losers, losers.length);
    if (count > 1) return;
    this.#conflicts += 1;
    const [mail] = losers;
    if (mail && this.#conflicts > limits.conflicts) {
      const [taken] = this.#bus.take(1, limits.turnBytes);
      if (taken) this.#drop(taken, new Fault("conflict", "other nodes change what it rests on all the time"));
      return;
    }
    const { conflictPause, turnRetry } = limits;
    const most = Math.min(conflictPause * 2 ** this.#conflicts, turnRetry);
    await this.#pause(millis(most * (0.5 + this.#core.entropy.draw() / 2)));
  }

  /** Returns the messages to their mailboxes, or rejects them. Resolves when the next turn may begin. */
  async refused(posted: readonly PostedMail[], refusal: Fault): Promise<void> {
    this.#core.telemetry.log.warn("a turn was not committed", { reason: refusal.reason, err: refusal });
    this.alone = true;
    if (posted.length > 1) return this.#bus.giveBack(posted);
    const [mail] = posted;
    if (refusal.code === "conflict") {
      this.#conflicts += 1;
      if (mail && this.#conflicts > limits.conflicts) return this.#drop(mail, refusal);
      this.#bus.giveBack(posted);
      return this.#conflicts > limits.conflictsAtOnce ? this.#pause() : undefined;
    }
    if (mail?.envelope.source === "gateway") return mail.envelope.answer?.reject(refusal);

    // While a report cannot be stored, no message behind it can be decided: clients are refused rather than left
    // waiting.
    this.#bus.giveBack(posted);
    for (const { answer } of this.#bus.takeFrom("gateway")) answer?.reject(refusal);
    await this.#pause();
  }

  /**
   * Drops a message that conflicts repeatedly although it is decided alone. This is a bug, and must not block others.
   */
  #drop({ envelope }: PostedMail, refusal: Fault): void {
    const { to, message, answer } = envelope;
    this.#core.telemetry.log.error("a message was dropped: it conflicts again and again", {
      actor: to,
      message: message.type,
      err: refusal,
    });
    this.#conflicts = 0;
    const text = "storing this request conflicts again and again; the server's log says with what";
    answer?.reject(new Fault("internal", text, { cause: refusal }));
  }

  #pause(pause: Millis = limits.turnRetry): Promise<void> {
    const { clock } = this.#core;
    return new Promise((resolve) => void clock.wakeAt(later(clock.now(), pause), resolve));
  }
}
