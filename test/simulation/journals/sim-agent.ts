import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import type { JournalRecord, JournalState } from "#domain/task/journal";
import { isWait, keptRecord } from "#domain/task/journal";
import type { UsageReport } from "#domain/task/report";
import type { WorkerReport } from "#ports/plane";
import { BrokenPromise } from "../mirror.js";
import type { SimWorld } from "../sim-world.js";
import { effectKey, type Op } from "./program.js";

/** All of any journal of these worlds. */
export const WHOLE_JOURNAL = { records: 10_000, bytes: 100_000_000 };

/** The Run whose agent it is. */
export interface AgentRun extends StepKey {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly fence: number;
  /** How many records its journal has, as the plane has said. */
  readonly journalRecords: number;
}

/** Where an entry stands, as this Run knows it. */
type Standing = "open" | "undone" | "over";

/** Of something that must happen once, in this Run. */
interface Intent {
  readonly entry: number;
  readonly seq: number;
  state: "meant" | "under way" | "happened";
}

/** What the worker of an agent knows, and does for it. */
export interface Hands {
  /** True while the Run is known to be the worker's own. */
  mayBegin(): boolean;
  /** True while the worker has it in hand, whatever the plane says of it: what is under way goes on after a cancel. */
  mayFinish(): boolean;
  /** Later, in the same process. */
  later(ms: number, then: () => void): void;
  /** Nothing is under way any more. */
  rested(): void;
}

/**
 * An agent that journals what it does: reads the journal first, goes on from the first step that is not over, keeps records
 * until they are durable, and does what must happen once only when its intent is.
 */
export class SimAgent {
  readonly #world: SimWorld;
  readonly #run: AgentRun;
  readonly #ops: readonly Op[];
  readonly #hands: Hands;
  readonly #standing = new Map<number, Standing>();
  /** Not known to be durable, in order. */
  #unacked: JournalRecord[] = [];
  #seq = 0;
  /** What it has used, and is not known to be counted. */
  #used: UsageReport[] = [];
  #uses = 0;
  #unsentUses = 0;
  /** The first record that was not sent in this session. */
  #unsent = 0;
  /** Of the step that is done now. */
  #intent: Intent | undefined;
  #loaded = false;
  isOver = false;
  /** What it waits for, with nothing else to do. */
  waits: readonly number[] = [];
  /** Something is in doubt, and a person has to say what became of it. */
  inDoubt = false;
  /** The journal is not one of this program. */
  mismatch = false;

  constructor(world: SimWorld, run: AgentRun, ops: readonly Op[], hands: Hands) {
    this.#world = world;
    this.#run = run;
    this.#ops = ops;
    this.#hands = hands;
  }

  /** True while something happens that must happen once: until it has, the worker says nothing of the Run's end. */
  get isActing(): boolean {
    return this.#intent?.state === "under way";
  }

  /** How many records there are, all that are durable or under way. */
  get count(): number {
    return this.#seq;
  }

  /** Reads what earlier Runs have done. */
  async begin(): Promise<void> {
    const texts = await this.#world.durable.reads.journal(this.#run, 0, WHOLE_JOURNAL);
    for (const { entry, state, kind, name } of texts.map(keptRecord)) {
      const named = this.#ops[entry - 1]?.named;
      if (named?.kind !== kind || named.name !== name) this.mismatch = true;
      this.#note(entry, state);
    }
    this.#expectFit(texts.length);
    this.#seq = texts.length;
    this.#unsent = this.#seq;
    this.#loaded = true;
    const { marks } = this.#world.mirror;
    if (texts.length > 0) marks.add("journal resumed");
    else for (const op of this.#ops) if (op.isEarly) this.#askFor(op);
  }

  /** Only a worker that may say anything leaves a journal of another program, and none is shorter than the plane has said. */
  #expectFit(count: number): void {
    const { mirror } = this.#world;
    const wasEvil = [...mirror.evil].some((id) => sameStep(mirror.runs.get(id), this.#run));
    const fits = (!this.mismatch || wasEvil) && count >= this.#run.journalRecords;
    if (!fits)
      throw new BrokenPromise(
        `run ${this.#run.runId} finds a journal of ${count} records that is none of its step`,
      );
  }

  /** Records are durable up to here. */
  acked(nextSeq: number): void {
    this.#unacked = this.#unacked.filter(({ seq }) => seq >= nextSeq);
  }

  /** What it has used counts up to here. */
  counted(nextSeq: number): void {
    this.#used = this.#used.filter(({ seq }) => seq >= nextSeq);
  }

  /** A new session knows nothing of what was sent in the last. */
  reconnect(): void {
    this.#unsentUses = this.#used[0]?.seq ?? this.#uses;
    this.#unsent = this.#unacked[0]?.seq ?? this.#seq;
  }

  /** What is to be sent now. */
  unsent(): WorkerReport[] {
    const { runId, fence } = this.#run;
    const records = this.#unacked.filter(({ seq }) => seq >= this.#unsent);
    this.#unsent = this.#seq;
    const used = this.#used.filter(({ seq }) => seq >= this.#unsentUses);
    this.#unsentUses = this.#uses;
    return [...used, ...records.map((record) => ({ type: "journal", runId, fence, record }) as const)];
  }

  /** Does a little. */
  go(): void {
    if (!this.#loaded || this.mismatch || this.inDoubt || this.isOver || this.waits.length > 0) return;
    if (this.#world.dice.chance(0.3)) this.#use();
    const next = this.#ops.find((op) => this.#isInTheWay(op));
    if (next) this.#do(next);
    else if (this.#isDurable) this.#join();
  }

  /** True if nothing that it has written can be lost any more. */
  get #isDurable(): boolean {
    return this.#unacked.length === 0;
  }

  /** Waits at last for the children that it went on without. */
  #join(): void {
    const children = this.#ops.filter(({ entry }) => this.#standing.get(entry) === "open");
    this.waits = children.map(({ entry }) => entry);
    this.isOver = children.length === 0;
  }

  /** Asks a model, which counts whatever becomes of the Run. */
  #use(): void {
    const { runId, fence } = this.#run;
    const { dice } = this.#world;
    const tokens = {
      inputTokens: dice.between(0, 1_000),
      outputTokens: dice.between(0, 100),
      cachedTokens: 0,
    };
    const used = { model: "m", ...tokens, toolCalls: 1, ...(dice.chance(0.5) && { usdMicros: 7 }) };
    this.#used.push({ type: "usage", runId, fence, seq: this.#uses, used });
    this.#uses += 1;
  }

  /** True unless the agent goes on without it. */
  #isInTheWay({ entry, named, isAside }: Op): boolean {
    const standing = this.#standing.get(entry);
    if (standing === "over") return false;
    return !(standing === "open" && named.kind === "CHILD" && isAside);
  }

  #do(op: Op): void {
    if (!op.isAside && !this.#isDurable) return;
    const standing = this.#standing.get(op.entry);
    if (op.named.effect === "ONCE") this.#doOnce(op, standing);
    else if (isWait(op.named)) this.#waitFor(op, standing);
    else this.#write(op, op.fails ? "FAILED" : "COMPLETED");
  }

  #waitFor(op: Op, standing: Standing | undefined): void {
    if (standing !== "open") this.#write(op, "BEGUN");
    else if (this.#isDurable) {
      this.#askFor(op);
      this.waits = [op.entry];
    }
  }

  #doOnce(op: Op, standing: Standing | undefined): void {
    if (standing !== "open") {
      this.#intent = { entry: op.entry, seq: this.#seq, state: "meant" };
      this.#write(op, "BEGUN");
    } else if (this.#intent?.entry !== op.entry) this.#findOut(op);
    else if (this.isActing || this.#world.dice.chance(0.5))
      return; // it takes its time, before and after
    else if (this.#intent.state === "happened") this.#write(op, "COMPLETED");
    // Neither before the intent is durable, nor when the Run may be another worker's.
    else if (this.#unacked.every(({ seq }) => seq !== this.#intent?.seq) && this.#hands.mayBegin())
      this.#act(op, this.#intent);
  }

  /** An earlier Run has begun it, and was lost. */
  #findOut(op: Op): void {
    if (op.isHeld) {
      this.#world.mirror.marks.add("in doubt, held");
      this.inDoubt = true;
      return;
    }
    const isDone = this.#world.outside.timesOf(effectKey(this.#run, op.entry)) > 0;
    this.#world.mirror.marks.add(`in doubt, ${isDone ? "done" : "not done"}`);
    this.#write(op, isDone ? "COMPLETED" : "NOT_DONE");
  }

  #act(op: Op, intent: Intent): void {
    const { outside, dice } = this.#world;
    if (dice.chance(0.1)) {
      this.#write(op, "NOT_DONE");
      return;
    }
    intent.state = "under way";
    // Nothing stops it but the end of its process, or of its worker's lease.
    this.#hands.later(dice.between(0, 8_000), () => {
      intent.state = "happened";
      if (this.#hands.mayFinish()) {
        const key = effectKey(this.#run, op.entry);
        outside.happen(key);
        this.#world.note(`${key} happens in ${this.#run.runId.slice(-6)}`);
      }
      this.#hands.rested();
    });
  }

  #write({ entry, named, wait }: Op, state: JournalState): void {
    const record: JournalRecord = {
      ...named,
      seq: this.#seq,
      entry,
      state,
      result: state === "COMPLETED" ? JSON.stringify(`${this.#run.runId} ${entry}`) : "",
      errorMessage: state === "FAILED" ? "no luck" : "",
      ...(state === "BEGUN" && wait && { wait }),
    };
    this.#world.outside.wrote(this.#run.runId, record);
    this.#unacked.push(record);
    this.#seq += 1;
    this.#note(entry, state);
  }

  #note(entry: number, state: JournalState): void {
    const standing = state === "BEGUN" ? "open" : state === "NOT_DONE" ? "undone" : "over";
    this.#standing.set(entry, standing);
  }

  /** The signal that nothing but a person sends. */
  #askFor({ entry, named, wait, isEarly }: Op): void {
    if (named.kind !== "SIGNAL" || !(isEarly || wait?.duration === 0)) return;
    const requestId = `${stepKey(this.#run)} ${entry}`;
    const payload = payloadOf(entry);
    this.#world.outside.want({ taskId: this.#run.taskId, name: named.name, requestId, payload });
  }
}

function sameStep(a: StepKey | undefined, b: StepKey): boolean {
  return a !== undefined && stepKey(a) === stepKey(b);
}

export function payloadOf(entry: number): string {
  return `"go ${entry}"`;
}
