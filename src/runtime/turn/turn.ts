import type { ActorName, AddressedMessage, Answer } from "#actors/commands";
import type { LaneView, Offer } from "#actors/scheduler/messages";
import { mayTake } from "#actors/scheduler/placement";
import type { Asker, Envelope, Posted } from "#bus/bus";
import type { RunId } from "#domain/id";
import type { Lane } from "#domain/task/lane";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { InspectionRecord } from "#ports/inspection";
import type { Committed } from "#ports/store-turns";
import type { Core } from "../core.js";
import { Journal } from "../memory/journal.js";
import { freeWorkers } from "../memory/offer.js";
import { Workspace } from "../memory/workspace.js";
import { CascadeDecider, CascadeFailure } from "./containment.js";
import { TurnRecorder } from "./recorder.js";
import { RowLoader } from "./row-loader.js";
import { fromStore, StoreError } from "./store-error.js";
import { type MissingVerdict, Verdicts } from "./verdicts.js";

export type Message = AddressedMessage["message"];
export type Mail = Envelope<ActorName, Message>;
export type PostedMail = Posted<ActorName, Message>;

/** The outcome of deciding a turn, needed for the commit and for what is performed after it. */
export interface Decided {
  readonly work: Workspace;
  readonly at: Instant;
  readonly answers: readonly { readonly to: Asker; readonly answer: Answer | Error | undefined }[];
  /** Messages left for the next turn, because this one has reached `limits.turnRows`. */
  readonly left: readonly PostedMail[];
  /** Messages that were rolled back because verdicts are missing: they changed nothing and were not answered. */
  readonly undecided: readonly Undecided[];
  /** True if the scheduler stopped at its bound and could assign more. */
  readonly moreToSchedule: boolean;
  /** What inspectors are told; undefined if nobody looked on when the turn began. */
  readonly records: readonly InspectionRecord[] | undefined;
}

/** A message that is to be decided again with the verdicts it lacks. */
export interface Undecided {
  readonly mail: PostedMail;
  readonly missing: readonly MissingVerdict[];
}

/**
 * The main path: LOAD the rows that the messages need, in one read; DECIDE message by message, loading further rows
 * where a decision needs them, the scheduler last; COMMIT all or nothing. The caller performs the effects afterwards.
 *
 * Call `decide` once, then `commit`. If either throws, call `rollBack`. A {@link StoreError} or the store's refusal
 * fails the turn; any other error while deciding is contained in its message.
 */
export class Turn {
  readonly #core: Core;
  readonly #journal = new Journal();
  readonly #work = new Workspace(this.#journal);
  readonly #loader: RowLoader;
  readonly #cascades: CascadeDecider;
  readonly #at: Instant;
  readonly #answers: { to: Asker; answer: Answer | Error | undefined }[] = [];
  readonly #verdicts: Verdicts;
  readonly #undecided: Undecided[] = [];
  readonly #recorder: TurnRecorder | undefined;
  /** Lanes whose pages this turn has read. */
  #lanesRead: readonly Lane[] = [];

  constructor(core: Core) {
    this.#core = core;
    this.#at = core.clock.now();
    this.#loader = new RowLoader(core.store, this.#work);
    this.#verdicts = new Verdicts(core.schemas);
    if (core.inspection.attached) this.#recorder = new TurnRecorder(this.#journal, core.memory.roster);
    this.#cascades = new CascadeDecider({
      core,
      journal: this.#journal,
      work: this.#work,
      loader: this.#loader,
      at: this.#at,
      verdicts: this.#verdicts,
      recorder: this.#recorder,
    });
  }

  async decide(posted: readonly PostedMail[]): Promise<Decided> {
    await this.#loader.loadFor(
      posted.map(({ envelope }) => addressed(envelope)),
      this.#cascades.context().view,
    );
    let done = 0;
    for (; done < posted.length && this.#work.changedRows < limits.turnRows; done += 1) {
      const mail = posted[done] as PostedMail;
      const { envelope } = mail;
      this.#verdicts.begin(envelope.verdicts);
      const answer = await this.#cascade(envelope);
      if (this.#verdicts.missing.length > 0) {
        this.#undecided.push({ mail, missing: this.#verdicts.missing });
      } else if (envelope.answer) this.#answers.push({ to: envelope.answer, answer });
    }
    this.#verdicts.beginLast();
    const moreToSchedule = await this.#scheduleSafely();
    this.#dropEmptyLanes();
    return {
      work: this.#work,
      at: this.#at,
      answers: this.#answers,
      left: posted.slice(done),
      undecided: this.#undecided,
      moreToSchedule,
      records: this.#recorder?.records,
    };
  }

  async commit(): Promise<Committed | undefined> {
    const { store, entropy } = this.#core;
    const commit = this.#work.commit(this.#at, entropy.uuid(), store.shared);
    return commit && (await store.commit(commit));
  }

  /** Rolls back every change of the turn: memory is as before it. */
  rollBack(): void {
    this.#journal.rollBackTo(0);
  }

  /**
   * Decides one message. If it fails, a client gets an error; a message that would be repeated is contained or
   * parked.
   */
  async #cascade(envelope: Mail): Promise<Answer | Error | undefined> {
    const first = addressed(envelope);
    const outcome =
      envelope.source === "gateway"
        ? await this.#cascades.decide(first)
        : await this.#cascades.decideForGood(first);
    return outcome instanceof CascadeFailure ? outcome.fault : outcome;
  }

  /** Schedules; if this throws, rolls back this turn's assignments only. */
  async #scheduleSafely(): Promise<boolean> {
    const mark = this.#journal.mark();
    try {
      return await this.#schedule();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      this.#journal.rollBackTo(mark);
      this.#lanesRead = [];
      this.#core.telemetry.log.error("scheduling failed", { err: error });
      return false;
    }
  }

  /** Assigns ready Steps in a cascade of its own, last in the turn, when all its Steps and slots are known. */
  async #schedule(): Promise<boolean> {
    const { memory, leases, entropy } = this.#core;
    const { workers, free, deferred } = freeWorkers(memory.roster, leases);
    leases.hasDeferred = deferred;
    await this.#readLanes(workers.length > 0);
    if (workers.length === 0) return false;

    const canBeTaken = ({ lane }: LaneView) => workers.some(({ session }) => mayTake(session, lane));
    const ready = memory.backlog
      .views()
      .filter(canBeTaken)
      .reduce((sum, view) => sum + view.ready.length, 0);
    const slots = workers.reduce((sum, { session, held }) => sum + session.capacity - held, 0);
    const count = Math.min(ready, slots, limits.turnAssignments);
    const unread = () => memory.backlog.unread().length > 0;
    if (count === 0) return slots > 0 && unread();

    const before = this.#work.changes.runs.length;
    const runIds = Array.from({ length: count }, () => entropy.uuid() as RunId);
    const offer = { workers, free, runIds };
    const outcome = await this.#cascades.decide({ to: "scheduler", message: { type: "schedule" } }, offer);
    if (outcome instanceof CascadeFailure) await this.#assignOneByOne(outcome, offer);
    const made = this.#work.changes.runs.length - before;
    // A Step left out for want of bytes may fit another worker, but only after these assignments are sent: try again.
    if (isLeftOut(outcome) && made > 0) return true;
    return slots > made && (made === limits.turnAssignments || unread());
  }

  /**
   * Assigns the Steps one by one. A Step that cannot be assigned is ended, or its Task, and does not block the
   * others.
   */
  async #assignOneByOne({ deciding }: CascadeFailure, offer: Offer): Promise<void> {
    const message = deciding.addressed?.message;
    if (message?.type !== "assign") return;
    for (const placement of message.placements) {
      const alone = { to: "scheduler", message: { type: "assign", placements: [placement] } } as const;
      const outcome = await this.#cascades.decide(alone, offer);
      if (outcome instanceof CascadeFailure && outcome.culprit)
        await this.#cascades.end(outcome.culprit, alone);
    }
  }

  /**
   * Reads pages that are used up: of lanes from which a worker could take, and of lanes that Steps have left in this
   * turn.
   */
  async #readLanes(anyRoom: boolean): Promise<void> {
    const { backlog } = this.#core.memory;
    const unread = backlog.unread();
    if (unread.length === 0) return;

    const left = new Set(this.#work.changes.steps.map(({ before }) => before?.lane));
    const useful = anyRoom ? unread.slice(0, limits.turnLanes) : [];
    this.#lanesRead = [...new Set([...unread.filter(({ key }) => left.has(key)), ...useful])];
    for (const lane of this.#lanesRead) {
      const ready = await fromStore(this.#core.store.ready(lane.key, limits.lanePage));
      const whole = ready.length < limits.lanePage;
      backlog.refill(lane.key, this.#loader.corrected(lane, ready), whole, this.#journal);
    }
  }

  #dropEmptyLanes(): void {
    const { backlog } = this.#core.memory;
    const changed = this.#work.changes.steps.flatMap(({ before, after }) => [before?.lane, after.lane]);
    for (const lane of [...changed, ...this.#lanesRead.map(({ key }) => key)]) {
      if (lane && backlog.drop(lane, this.#journal)) this.#work.lanes.remove(lane);
    }
  }
}

function isLeftOut(outcome: Answer | CascadeFailure | undefined): boolean {
  return outcome !== undefined && !(outcome instanceof CascadeFailure) && outcome.type === "scheduled";
}

function addressed({ to, message }: Mail): AddressedMessage {
  return { to, message } as AddressedMessage;
}
