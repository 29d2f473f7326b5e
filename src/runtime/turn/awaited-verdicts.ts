import type { ActorName } from "#actors/commands";
import type { Bus } from "#bus/bus";
import { Fault } from "#domain/fault";
import type { Verdict } from "#domain/template/verdict";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { KnownVerdict } from "#ports/schemas";
import type { Core } from "../core.js";
import type { Message, PostedMail, Undecided } from "./turn.js";
import type { MissingVerdict } from "./verdicts.js";

/**
 * Messages that cannot be decided until schemas have been checked. Each is set aside while its verdicts are fetched,
 * one after the other, and is then returned to the front of its mailbox with all of them. Nothing is stored: after a
 * restart the sender repeats the message, as it does with any message that was not decided.
 */
export class AwaitedVerdicts {
  readonly #core: Core;
  readonly #bus: Bus<ActorName, Message>;
  readonly #waiting = new Set<PostedMail>();
  #stopped = false;

  constructor(core: Core, bus: Bus<ActorName, Message>) {
    this.#core = core;
    this.#bus = bus;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Sets the messages aside and fetches their verdicts. @param undecided of a turn that has been committed */
  ask(undecided: readonly Undecided[]): void {
    for (const { mail, missing } of undecided) {
      this.#core.telemetry.count("taskrun_verdicts_awaited_total", {}, missing.length);
      this.#waiting.add(mail);
      this.#bus.putAside(mail);
      mail.envelope.answer?.delayed?.();
      void this.#fetch(mail, missing);
    }
  }

  /** Rejects all messages that still wait; verdicts that arrive later are ignored. */
  stop(refusal: Fault): void {
    this.#stopped = true;
    for (const mail of [...this.#waiting]) {
      this.#takeUp(mail);
      mail.envelope.answer?.reject(refusal);
    }
  }

  async #fetch(mail: PostedMail, missing: readonly MissingVerdict[]): Promise<void> {
    const { verdicts = [] } = mail.envelope;
    const found: KnownVerdict[] = [...verdicts];
    try {
      for (const { schema, json } of missing) {
        found.push({ schema, json, verdict: await this.#verdict(mail, { schema, json }) });
        if (this.#stopped) return;
      }
    } catch (error) {
      if (this.#stopped) return;
      // Thrown for a client's message only (see #verdict): the client gets the error and can retry.
      this.#takeUp(mail);
      mail.envelope.answer?.reject(error as Error);
      return;
    }
    this.#takeUp(mail);
    this.#bus.giveBack([{ ...mail, envelope: { ...mail.envelope, verdicts: found } }]);
  }

  /** Retries until there is a verdict. @throws {Fault} at the first failure if a client waits: it can retry itself */
  async #verdict({ envelope }: PostedMail, { schema, json }: MissingVerdict): Promise<Verdict> {
    if ((envelope.verdicts?.length ?? 0) >= limits.verdictsAtOnce * limits.verdictRounds) return tooMany();
    for (let failures = 0; ; ) {
      try {
        return await this.#core.schemas.judge(schema, json);
      } catch (error) {
        if (this.#stopped || envelope.source === "gateway") throw error;
        const full = error instanceof Fault && error.code === "overloaded";
        if (!full) {
          failures += 1;
          this.#core.telemetry.log.error("a value could not be checked by its schema", { err: error });
          if (failures >= limits.verdictFailures) return { type: "limit", text: (error as Error).message };
        }
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    const { clock } = this.#core;
    return new Promise((resolve) => void clock.wakeAt(later(clock.now(), limits.verdictRetry), resolve));
  }

  #takeUp(mail: PostedMail): void {
    if (this.#waiting.delete(mail)) this.#bus.takeUp(mail);
  }
}

function tooMany(): Verdict {
  return {
    type: "limit",
    text: `it takes more than ${limits.verdictsAtOnce * limits.verdictRounds} checks at once`,
  };
}
