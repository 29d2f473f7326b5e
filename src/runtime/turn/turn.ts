import type { ActorName, AddressedMessage, Answer } from "#actors/commands";
import type { Asker, Envelope, Posted } from "#bus/bus";
import { Conflict } from "#domain/conflict";
import { stepKey } from "#domain/id";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { InspectionRecord } from "#ports/inspection";
import type { Committed } from "#ports/store-turns";
import type { Core } from "../core.js";
import { Journal } from "../memory/journal.js";
import { Workspace } from "../memory/workspace.js";
import { auditMessage } from "./audit.js";
import { CascadeDecider, CascadeFailure } from "./containment.js";
import { TurnRecorder } from "./recorder.js";
import { RowLoader } from "./row-loader.js";
import { Scheduling } from "./scheduling.js";
import { Units } from "./units.js";
import { type MissingVerdict, Verdicts } from "./verdicts.js";

export type Message = AddressedMessage["message"];
export type Mail = Envelope<ActorName, Message>;
export type PostedMail = Posted<ActorName, Message>;

/** The outcome of deciding a turn, needed for the commit and for what is performed after it. */
export interface Decided {
  readonly work: Workspace;
  readonly at: Instant;
  readonly answers: readonly { readonly to: Asker; readonly answer: Answer | Error | undefined }[];
  /** Messages left for the next turn, because this one has reached `limits.turnRows`, or because they have lost. */
  readonly left: readonly PostedMail[];
  /** How many of these, the first ones, have lost against other nodes again and again: they are decided one by one. */
  readonly lost: number;
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
 * If other processes write the store too, the commit says on which rows it rests. If some have moved, what rests on them is
 * decided again over fresh rows, and the commit is tried again.
 *
 * Call `decide` once, then `commit`, then read `decided`. If one throws, call `rollBack`. A {@link StoreError} or the store's
 * refusal fails the turn; any other error while deciding is contained in its message.
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
  readonly #scheduling: Scheduling;
  /** Absent if the store has one process. */
  readonly #units: Units | undefined;
  #posted: readonly PostedMail[] = [];
  /** How many of the messages are decided. */
  #done = 0;
  #lost = 0;
  #moreToSchedule = false;

  constructor(core: Core) {
    this.#core = core;
    this.#at = core.clock.now();
    this.#loader = new RowLoader(core.store, this.#work);
    this.#verdicts = new Verdicts(core.schemas);
    if (core.inspection.attached) this.#recorder = new TurnRecorder(this.#journal, core.memory.roster);
    const parts = { core, journal: this.#journal, work: this.#work, loader: this.#loader };
    this.#units = core.store.shared ? new Units(this.#work) : undefined;
    this.#cascades = new CascadeDecider({
      ...parts,
      at: this.#at,
      verdicts: this.#verdicts,
      recorder: this.#recorder,
      ...(this.#units && { lookAgain: () => this.#lookAgain() }),
    });
    this.#scheduling = new Scheduling({ ...parts, cascades: this.#cascades });
  }

  async decide(posted: readonly PostedMail[]): Promise<void> {
    this.#posted = posted;
    await this.#decideFrom(0);
  }

  get decided(): Decided {
    return {
      work: this.#work,
      at: this.#at,
      answers: this.#answers,
      left: this.#posted.slice(this.#done),
      lost: this.#lost,
      undecided: this.#undecided,
      moreToSchedule: this.#moreToSchedule,
      records: this.#recorder?.records,
    };
  }

  async commit(): Promise<Committed | undefined> {
    const { store, entropy, node, audit } = this.#core;
    for (let round = 0; ; round += 1) {
      const commit = this.#work.commit(this.#at, entropy.uuid(), {
        units: this.#units?.seen,
        node,
        chain: audit?.chain,
      });
      if (!commit) return undefined;
      try {
        return await store.commit(commit);
      } catch (error) {
        if (!(error instanceof Conflict && this.#units)) throw error;
        await this.#conflicted(error, this.#units, round);
      }
    }
  }

  /** Rolls back every change of the turn: memory is as before it. */
  rollBack(): void {
    this.#journal.rollBackTo(0);
  }

  /** Loads what the messages from this one on need, decides them, and schedules. */
  async #decideFrom(first: number): Promise<void> {
    const posted = first === 0 ? this.#posted : this.#posted.slice(first);
    await this.#loader.loadFor(
      posted.map(({ envelope }) => addressed(envelope)),
      this.#cascades.context().view,
      this.#units && ((i) => posted[i] !== undefined && mustBeFresh(posted[i].envelope)),
    );
    let done = first;
    for (; done < this.#posted.length && this.#work.changedRows < limits.turnRows; done += 1) {
      const mail = this.#posted[done] as PostedMail;
      const { envelope } = mail;
      this.#beginUnit();
      this.#verdicts.begin(envelope.verdicts);
      const answer = await this.#cascade(envelope);
      if (this.#verdicts.missing.length > 0) {
        this.#undecided.push({ mail, missing: this.#verdicts.missing });
        this.#units?.dismiss();
        continue;
      }
      if (this.#core.audit) {
        const { memory } = this.#core;
        auditMessage(envelope.message, answer, { work: this.#work, memory, at: this.#at });
      }
      if (envelope.answer) this.#answers.push({ to: envelope.answer, answer });
    }
    this.#done = done;
    this.#beginUnit();
    this.#verdicts.beginLast();
    this.#moreToSchedule = await this.#scheduling.run();
    this.#units?.end();
  }

  #beginUnit(): void {
    this.#units?.begin({
      changes: this.#journal.mark(),
      answers: this.#answers.length,
      undecided: this.#undecided.length,
    });
  }

  /**
   * Rolls back the units from the first that rests on what has moved. They are decided again over fresh rows, or, if that has
   * been done often enough, left for later turns: the units before them stand.
   */
  async #conflicted(conflict: Conflict, units: Units, round: number): Promise<void> {
    const first = units.firstLoser(conflict);
    this.#core.telemetry.count("taskrun_units_lost_total", {}, units.count - first);
    const mark = units.cut(first);
    if (!mark) throw conflict;
    this.#journal.rollBackTo(mark.changes);
    this.#answers.length = mark.answers;
    this.#undecided.length = mark.undecided;
    this.#verdicts.beginAgain();
    if (round < limits.conflictRounds) {
      this.#work.forget(conflict.moved);
      this.#loader.forget();
      this.#dropMoved(conflict);
      return this.#decideFrom(first);
    }
    this.#lost += this.#done - first;
    this.#done = first;
    this.#moreToSchedule = true;
  }

  /** A ready Step that another node has taken leaves the backlog. */
  #dropMoved({ moved }: Conflict): void {
    const steps = new Set(moved.flatMap(({ kind, id }) => (kind === "steps" ? [id] : [])));
    if (steps.size === 0) return;
    this.#core.memory.backlog.dropIf((step) => steps.has(stepKey(step)), this.#journal);
  }

  /** The present unit has failed over rows that are maybe not of one moment: it is decided once more over fresh ones. */
  #lookAgain(): boolean {
    if (!this.#units?.lookAgain()) return false;
    this.#loader.forget(true);
    return true;
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
}

/**
 * True of what may be decided to be nothing, and answered or forgotten, over a row that another node has moved: no commit would
 * find that out. A worker's reports are about Runs that only this node writes; which these are its hello says.
 */
function mustBeFresh({ source, message }: Mail): boolean {
  return source !== "stream" || message.type === "hello";
}

function addressed({ to, message }: Mail): AddressedMessage {
  return { to, message } as AddressedMessage;
}
