import type { AddressedMessage, Command } from "#actors/commands";
import { type Instant, NEVER } from "#domain/time/time";
import type { InspectedEntity, InspectedMessage, InspectionRecord, Outside } from "#ports/inspection";
import type { Journal } from "../memory/journal.js";
import type { Roster } from "../memory/roster.js";

/** Who is at work, and on which message: whatever happens now follows from it. */
interface AtWork {
  readonly sender: InspectedEntity | Outside;
  readonly cause: InspectedMessage;
}

type Lifecycle = Exclude<InspectedEntity, { readonly kind: "actor" }>;
type LifecycleKind = Lifecycle["kind"];
type RowOf<Kind extends LifecycleKind> = Extract<Lifecycle, { readonly kind: Kind }>["row"];
type SetDeadline = Extract<Command, { type: "setDeadline" | "clearDeadline" }>["params"] & {
  readonly at?: Instant;
};

/**
 * Records for inspectors what a turn decides: messages with their senders, and the changes that they lead to, in order.
 * A turn has one only while somebody looks on. Cascades that are rolled back leave no records.
 */
export class TurnRecorder {
  readonly records: InspectionRecord[] = [];
  readonly #journal: Journal;
  readonly #roster: Roster;
  /** The senders of the messages that are still to be decided, in the order of these. */
  #senders: InspectedEntity[] = [];
  #now: AtWork = { sender: RUNTIME, cause: { type: "" } };
  /** Who was at work before the lifecycles that are at work now. */
  #outer: AtWork[] = [];

  constructor(journal: Journal, roster: Roster) {
    this.#journal = journal;
    this.#roster = roster;
  }

  /** Call before a cascade: if that is rolled back, its records are removed. */
  begin(): void {
    const { length } = this.records;
    this.#journal.changed(() => {
      this.records.length = length;
    });
    this.#senders = [];
    this.#outer = [];
  }

  /** An actor is about to decide the message. @param state the actor's */
  deliver({ to, message }: AddressedMessage, state: string): void {
    const from = this.#senders.shift() ?? this.#outsideOf(message);
    const actor = { kind: "actor", name: to, state } as const;
    this.records.push({ type: "message", from, to: actor, message });
    this.#now = { sender: actor, cause: message };
  }

  /** Whoever is at work has told an actor something, which is decided later in the cascade. */
  told(): void {
    const { sender } = this.#now;
    if (sender.kind !== "outside") this.#senders.push(sender);
  }

  /**
   * A lifecycle has decided a message, which it ignored if both rows are one. What follows is its doing, until
   * {@link resume}.
   */
  advanced<Kind extends LifecycleKind>(
    kind: Kind,
    before: RowOf<Kind>,
    after: RowOf<Kind>,
    message: InspectedMessage,
  ): void {
    this.#outer.push(this.#now);
    const to = entityOf(kind, before);
    this.records.push({ type: "message", from: this.#now.sender, to, message });
    const sender = after === before ? to : entityOf(kind, after);
    if (sender !== to) this.records.push({ type: "change", before: to, after: sender, cause: message });
    this.#now = { sender, cause: message };
  }

  /** All commands of the lifecycle are carried out. */
  resume(): void {
    this.#now = this.#outer.pop() ?? this.#now;
  }

  /** Something was created (`before` is undefined), or has changed without a message of its own. */
  changed<Kind extends LifecycleKind>(kind: Kind, before: RowOf<Kind> | undefined, after: RowOf<Kind>): void {
    const { cause } = this.#now;
    const own = before && { before: entityOf(kind, before) };
    this.records.push({ type: "change", ...own, after: entityOf(kind, after), cause });
  }

  deadline({ taskId, stepName, kind, at = NEVER }: SetDeadline): void {
    this.records.push({ type: "deadline", taskId, stepName, kind, at, cause: this.#now.cause });
  }

  /** The sender of a message that begins a cascade: its type tells. */
  #outsideOf(message: AddressedMessage["message"]): InspectedEntity | Outside {
    switch (message.type) {
      case "submit":
      case "register":
      case "signal":
      case "resolve":
      case "cancel":
      case "drain.worker":
      case "pause":
      case "resume":
        return GATEWAY;
      case "hello":
      case "report":
      case "held":
      case "worker.changed":
      case "closed": {
        const row = this.#roster.get(message.session);
        return row ? { kind: "worker", row } : WORKER;
      }
      case "silent":
      case "deadline.passed":
        return TIMER;
      default:
        return RUNTIME;
    }
  }
}

function entityOf<Kind extends LifecycleKind>(kind: Kind, row: RowOf<Kind>): Lifecycle {
  return { kind, row } as Lifecycle;
}

const outside = (name: Outside["name"]): Outside => ({ kind: "outside", name });
const GATEWAY = outside("gateway");
const WORKER = outside("worker");
const TIMER = outside("timer");
/** The sender of what the runtime itself tells actors. */
export const RUNTIME = outside("runtime");
