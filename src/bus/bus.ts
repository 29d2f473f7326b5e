import type { KnownVerdict } from "#ports/schemas";
import { Mailbox, type MailboxBounds } from "./mailbox.js";

/** Where a message comes from, which decides what happens to it when the commit of its turn fails. */
export type Source =
  /** A client waits for the answer: it gets the error and may repeat the request. */
  | "gateway"
  /** A Worker's report or a timer: the message stays in the mailbox and is decided again. */
  | "stream"
  | "timer";

/** A message for an actor. */
export interface Envelope<Name extends string, Message> {
  readonly to: Name;
  readonly message: Message;
  readonly source: Source;
  /** Bytes of payload, which count towards the bound of a turn. */
  readonly weight: number;
  /** Receives the answer or error; absent if nobody waits for one. */
  readonly answer?: Asker;
  /** Verdicts for which the message was set aside before. */
  readonly verdicts?: readonly KnownVerdict[];
}

/** Receives the answer to a message: exactly one of `resolve` and `reject` is called, once. */
export interface Asker {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  /** The message was set aside until a schema check is done; the answer comes later. */
  delayed?(): void;
}

/** A message with its position, at which it can be put back. */
export interface Posted<Name extends string, Message> {
  readonly order: number;
  readonly weight: number;
  readonly envelope: Envelope<Name, Message>;
}

/**
 * A bounded mailbox for each actor. Turns take messages from all of them together, in the order of arrival. A full mailbox
 * refuses messages; a caller that can wait awaits {@link room}.
 */
export class Bus<Name extends string, Message> {
  readonly #mailboxes: ReadonlyMap<Name, Mailbox<Posted<Name, Message>>>;
  readonly #waiting = new Map<Name, (() => void)[]>();
  readonly #onMessage: () => void;
  #order = 0;

  /** @param onMessage called when a message was added, in order to start a turn */
  constructor(names: readonly Name[], bounds: MailboxBounds, onMessage: () => void) {
    this.#mailboxes = new Map(names.map((name) => [name, new Mailbox(bounds)]));
    this.#onMessage = onMessage;
  }

  /** Adds a message to its actor's mailbox. Returns false, without adding it, if that is full. */
  post(envelope: Envelope<Name, Message>): boolean {
    const taken = this.#mailbox(envelope.to).push({
      order: this.#order++,
      weight: envelope.weight,
      envelope,
    });
    if (taken) this.#onMessage();
    return taken;
  }

  /** Resolves when the mailbox has room. */
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

  /** Takes the oldest messages of all mailboxes, up to a number and a weight; at least one if there is any. */
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

  /** Removes and returns every message of a source, in order to refuse them when the plane stops. */
  takeFrom(source: Source): Envelope<Name, Message>[] {
    const all = this.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.giveBack(all.filter(({ envelope }) => envelope.source !== source));
    return all.flatMap(({ envelope }) => (envelope.source === source ? envelope : []));
  }

  /** Puts back messages that a turn could not commit, at their old positions. */
  giveBack(posted: readonly Posted<Name, Message>[]): void {
    for (const [name, mailbox] of this.#mailboxes) {
      const own = posted.filter(({ envelope }) => envelope.to === name);
      if (own.length > 0) mailbox.giveBack(own);
    }
    if (posted.length > 0) this.#onMessage();
  }

  /**
   * Counts a message that was taken as set aside, until {@link takeUp}. When as many are set aside as the mailbox holds,
   * it refuses new ones.
   */
  putAside({ envelope, weight }: Posted<Name, Message>): void {
    this.#mailbox(envelope.to).putAside(weight);
  }

  /** Ends {@link putAside}: the message is given back or was dropped. */
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
