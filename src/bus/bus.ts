import type { KnownVerdict } from "#ports/schemas";
import { Mailbox, type MailboxBounds } from "./mailbox.js";

/** Where a message comes from decides what a failed commit does with it. */
export type Source =
  /** A client waits for the answer: it hears of the failure and may try again. */
  | "gateway"
  /** A worker's report or a timer: it stays, and is decided again. */
  | "stream"
  | "timer";

/** A message on its way to an actor. */
export interface Envelope<Name extends string, Message> {
  readonly to: Name;
  readonly message: Message;
  readonly source: Source;
  /** Bytes of payload, for the bound of a turn. */
  readonly weight: number;
  /** Takes the answer, or the error; absent if nobody waits. */
  readonly answer?: Asker;
  /** What an earlier attempt to decide it lacked. */
  readonly verdicts?: readonly KnownVerdict[];
}

/** Who waits for an answer. */
export interface Asker {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  /** The message has been put aside for something that takes time; it will be answered all the same. */
  delayed?(): void;
}

/** A message in its place: what has been taken can be given back there. */
export interface Posted<Name extends string, Message> {
  readonly order: number;
  readonly weight: number;
  readonly envelope: Envelope<Name, Message>;
}

/**
 * One bounded mailbox per actor, emptied together by the turn, in the order in which messages came.
 * A full mailbox refuses; who can wait asks to be called when there is room.
 */
export class Bus<Name extends string, Message> {
  readonly #mailboxes: ReadonlyMap<Name, Mailbox<Posted<Name, Message>>>;
  readonly #waiting = new Map<Name, (() => void)[]>();
  readonly #onMessage: () => void;
  #order = 0;

  /** @param onMessage called when a message has come in, so that a turn begins */
  constructor(names: readonly Name[], bounds: MailboxBounds, onMessage: () => void) {
    this.#mailboxes = new Map(names.map((name) => [name, new Mailbox(bounds)]));
    this.#onMessage = onMessage;
  }

  /** False if the actor's mailbox is full; then nothing has happened. */
  post(envelope: Envelope<Name, Message>): boolean {
    const taken = this.#mailbox(envelope.to).push({
      order: this.#order++,
      weight: envelope.weight,
      envelope,
    });
    if (taken) this.#onMessage();
    return taken;
  }

  /** Resolves when the mailbox has room; at once if it has. */
  async room(name: Name): Promise<void> {
    while (this.#mailbox(name).isFull) {
      await new Promise<void>((resolve) => {
        this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
      });
    }
  }

  depth(name: Name): { readonly size: number; readonly capacity: number } {
    const { size, capacity } = this.#mailbox(name);
    return { size, capacity };
  }

  get isEmpty(): boolean {
    return [...this.#mailboxes.values()].every(({ size }) => size === 0);
  }

  /** The oldest messages of all mailboxes, up to a number and a weight; at least one if there is any. */
  take(count: number, weight: number): Posted<Name, Message>[] {
    const taken: Posted<Name, Message>[] = [];
    let sum = 0;
    while (taken.length < count) {
      const mailbox = this.#oldest();
      const next = mailbox?.peek();
      if (!mailbox || !next) break;
      if (taken.length > 0 && sum + next.weight > weight) break;

      mailbox.shift();
      sum += next.weight;
      taken.push(next);
    }
    for (const [name, mailbox] of this.#mailboxes) if (!mailbox.isFull) this.#callWaiting(name);
    return taken;
  }

  /** Takes out every message of a source: nobody will decide them. */
  takeFrom(source: Source): Envelope<Name, Message>[] {
    const all = this.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.giveBack(all.filter(({ envelope }) => envelope.source !== source));
    return all.flatMap(({ envelope }) => (envelope.source === source ? envelope : []));
  }

  /** Puts back what a turn could not decide, in its old places. */
  giveBack(posted: readonly Posted<Name, Message>[]): void {
    for (const [name, mailbox] of this.#mailboxes) {
      const own = posted.filter(({ envelope }) => envelope.to === name);
      if (own.length > 0) mailbox.giveBack(own);
    }
    if (posted.length > 0) this.#onMessage();
  }

  /**
   * What was taken counts as waiting, though nobody can take it, until it is given back. As many as a mailbox holds
   * can be put aside; then the mailbox is full for new ones.
   */
  putAside({ envelope, weight }: Posted<Name, Message>): void {
    this.#mailbox(envelope.to).putAside(weight);
  }

  /** What was put aside can be given back, or forgotten. */
  takeUp({ envelope, weight }: Posted<Name, Message>): void {
    this.#mailbox(envelope.to).takeUp(weight);
    if (!this.#mailbox(envelope.to).isFull) this.#callWaiting(envelope.to);
  }

  #mailbox(name: Name): Mailbox<Posted<Name, Message>> {
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox) throw new RangeError(`no actor is called "${name}"`);
    return mailbox;
  }

  #oldest(): Mailbox<Posted<Name, Message>> | undefined {
    let oldest: Mailbox<Posted<Name, Message>> | undefined;
    let order = Number.POSITIVE_INFINITY;
    for (const mailbox of this.#mailboxes.values()) {
      const head = mailbox.peek();
      if (head && head.order < order) {
        oldest = mailbox;
        order = head.order;
      }
    }
    return oldest;
  }

  #callWaiting(name: Name): void {
    const waiting = this.#waiting.get(name);
    if (!waiting) return;
    this.#waiting.delete(name);
    for (const resolve of waiting) resolve();
  }
}
