import type { ActorName } from "#actors/commands";
import type { Bus } from "#bus/bus";
import { Fault, type FaultCode } from "#domain/fault";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Core } from "../core.js";
import type { Message, PostedMail } from "./turn.js";

/** Refusals that say for certain that nothing was written. After any other failure the plane stops, and boots anew. */
const nothingWritten: ReadonlySet<FaultCode> = new Set(["conflict", "disk_full", "overloaded"]);

/** The store's refusal, if the error is one after which the turn may be decided again. */
export function refusalOf(error: unknown): Fault | undefined {
  return error instanceof Fault && nothingWritten.has(error.code) ? error : undefined;
}

/**
 * What becomes of the messages of a turn that the store refused: memory is as before, and they are decided again one
 * by one, so that one message cannot hold up the rest for ever; a client hears of a refusal at once.
 */
export class RefusedTurns {
  readonly #core: Core;
  readonly #bus: Bus<ActorName, Message>;
  /** Consecutive conflicts. After a few, the next try waits. */
  #conflicts = 0;
  /** True after a refusal, until a turn is committed: messages are decided one by one. */
  alone = false;

  constructor(core: Core, bus: Bus<ActorName, Message>) {
    this.#core = core;
    this.#bus = bus;
  }

  /** A turn has been committed. */
  passed(): void {
    this.alone = false;
    this.#conflicts = 0;
  }

  /** Gives the messages back, or answers them. Resolves when the next turn may begin. */
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

    // A report that finds no room holds up all behind it: clients are told rather than left waiting.
    this.#bus.giveBack(posted);
    for (const { answer } of this.#bus.takeFrom("gateway")) answer?.reject(refusal);
    await this.#pause();
  }

  /** A message that conflicts again and again, alone, is a bug: it must not hold up all others for ever. */
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

  #pause(): Promise<void> {
    const { clock } = this.#core;
    return new Promise((resolve) => void clock.wakeAt(later(clock.now(), limits.turnRetry), resolve));
  }
}
