import {
  type JournalEntryName,
  type JournalRecord,
  type JournalState,
  type JournalWait,
  recordBytes,
} from "#domain/task/journal";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { JournalError, leftOver, misfit } from "./misfit.js";

/** A record of an earlier Run, as the server gives it. */
export type EarlierRecord = JournalRecord & {
  /** The Task that a child is. */
  readonly childId?: string;
};

/** What a durable call asks for: which of its kind, name and input it is, the journal counts. */
export type Asked = Pick<JournalEntryName, "kind" | "name" | "inputDigest" | "effect">;

/** A durable call of this Run, or what an earlier one has journaled. Only its {@link Journal} changes it. */
export interface Entry extends JournalEntryName {
  /** Counts the entries of the journal, from 1; 0 until it has a record. */
  number: number;
  /** Undefined until it has a record. */
  state: JournalState | undefined;
  /** JSON text, or empty. */
  result: string;
  errorMessage: string;
  /** The Task that a child is, as far as it is known. */
  childId: string | undefined;
  /** The seq of the last record with which it began. */
  seq: number;
  /** One more than the seq of the record by which it is over; 0 if it is not. */
  overSeq: number;
  /** True once this Run has asked for it. */
  isAsked: boolean;
  /** True once the agent may know what it came to. */
  isTold: boolean;
  /** Failures that the agent has been told of before it asked for this one: it went on in spite of them. */
  inSpiteOf: readonly Entry[];
}

/** What is to be done for a durable call. */
export type Answer = "run" | "completed" | "failed" | "waiting" | "in doubt";

/**
 * The journal of a Step as one Run sees it: first what earlier Runs have written, which the agent is to ask for again, then what this one
 * adds. Decides what each durable call comes to, and makes the records. Pure: the caller keeps these, in their order.
 */
export class Journal {
  readonly #entries: Entry[] = [];
  /** By kind, name, input and occurrence. */
  readonly #byKey = new Map<string, Entry>();
  /** How often this Run has asked for a kind, name and input. */
  readonly #asked = new Map<string, number>();
  /** Where the first entry stands that this Run has not asked for. */
  #first = 0;
  #records = 0;
  #bytes = 0;
  #open = 0;
  /** Entries that were over before this Run, in the order in which they came to be so. */
  readonly #outcomes: Entry[] = [];
  #untold = 0;
  /** Calls that have begun and are not settled. */
  #inFlight = 0;
  /** Calls that were settled, and after which the agent has not asked for another one: as many parts of it may go on now. */
  #goingOn = 0;
  /** Failures that the agent was told of and that no record has. */
  #failures: Entry[] = [];

  constructor(earlier: readonly EarlierRecord[] = []) {
    for (const record of earlier) this.#read(record);
  }

  /** How many records there are, with those of earlier Runs. */
  get count(): number {
    return this.#records;
  }

  /**
   * Finds or makes the entry of a durable call, which is in flight until it is {@link returned}.
   *
   * Entries that ran at once may be asked for in any order. One that began alone, when all before it were over, must be the next: an agent
   * that asks for something else there does not do what it did.
   *
   * @throws {JournalError} if the call does not fit, or the journal is full
   */
  ask(asked: Asked): { readonly entry: Entry; readonly answer: Answer } {
    const base = JSON.stringify([asked.kind, asked.name, asked.inputDigest]);
    const occurrence = (this.#asked.get(base) ?? 0) + 1;
    const key = `${occurrence}${base}`;
    const found = this.#byKey.get(key);
    const next = this.#entries[this.#first];
    if (this.#inFlight === 0 && next && !next.concurrent && next !== found) {
      throw misfit(next, asked, found !== undefined);
    }
    const entry = found ?? this.#make(asked, occurrence, key);
    this.#asked.set(base, occurrence);
    entry.isAsked = true;
    entry.inSpiteOf = this.#failures;
    while (this.#entries[this.#first]?.isAsked) this.#first += 1;
    this.enter();
    return { entry, answer: answerOf(entry) };
  }

  /** A call is in flight that needs no entry of its own: it waits for the end of a child. */
  enter(): void {
    this.#inFlight += 1;
    this.#goingOn = Math.max(0, this.#goingOn - 1);
  }

  /** A call is not in flight any more: what the agent waits for is about to be told to it. */
  returned(): void {
    this.#inFlight -= 1;
    this.#goingOn += 1;
  }

  /** Returns the first of the entries that were over before this Run of which the agent has not been told. */
  get untold(): Entry | undefined {
    while (this.#outcomes[this.#untold]?.isTold) this.#untold += 1;
    return this.#outcomes[this.#untold];
  }

  /** Call it when whatever the agent does at once is done: what goes on then, waits for something that is not durable. */
  turnEnded(): void {
    this.#goingOn = 0;
  }

  /** Records that an entry has begun. */
  begin(entry: Entry, wait?: JournalWait): JournalRecord[] {
    if (this.#open >= limits.journalOpen) {
      const message = `more than ${limits.journalOpen} durable steps have begun and are not over, the most that a journal has: wait for some before others begin`;
      throw new JournalError(message, "JOURNAL_LIMIT");
    }
    return this.#record(entry, "BEGUN", { ...(wait && { wait }) });
  }

  /** Records the result of an entry, as JSON text. */
  complete(entry: Entry, result: string): JournalRecord[] {
    return this.#record(entry, "COMPLETED", { result });
  }

  /** Records that an entry which has begun was not done, and may begin again. */
  notDone(entry: Entry, message: string): JournalRecord[] {
    return this.#record(entry, "NOT_DONE", { errorMessage: message });
  }

  /** Notes what the agent is told: it is recorded only once the agent has gone on, so that a Run which fails by it may try it anew. */
  fail(entry: Entry, message: string): void {
    entry.errorMessage = clip(message, limits.errorMessageBytes).toWellFormed();
    this.#failures = [...this.#failures, entry];
  }

  /** True if the agent was told of failures that no record has. */
  get hasFailures(): boolean {
    return this.#failures.length > 0;
  }

  /** Records all failures that the agent was told of. */
  flush(): JournalRecord[] {
    return this.#recordFailures(this.#failures);
  }

  /** Takes the outcome of what is waited for, which somebody else has recorded during this Run. */
  over(record: EarlierRecord): Entry | undefined {
    this.#read(record);
    return this.#entries[record.entry - 1];
  }

  /** @throws {JournalError} if earlier Runs have entries that this one has not asked for */
  checkAllAsked(): void {
    const next = this.#entries[this.#first];
    if (next) throw leftOver(next);
  }

  #make({ kind, name, inputDigest, effect }: Asked, occurrence: number, key: string): Entry {
    if (this.#byKey.size >= limits.journalEntries) {
      const message = `the agent has more than ${limits.journalEntries} durable steps, the most that a journal has: do more in each, or let child tasks do a part`;
      throw new JournalError(message, "JOURNAL_LIMIT");
    }
    // The part of the agent that asks is one of those that go on.
    const concurrent = this.#inFlight > 0 || this.#goingOn > 1;
    const entry = newEntry({ kind, name, inputDigest, effect, occurrence, concurrent });
    this.#byKey.set(key, entry);
    return entry;
  }

  #read(record: EarlierRecord): void {
    const { entry: number, kind, name, inputDigest, occurrence, effect, concurrent } = record;
    let entry = this.#entries[number - 1];
    if (!entry) {
      entry = newEntry({ kind, name, inputDigest, effect, occurrence, concurrent });
      entry.number = number;
      this.#entries[number - 1] = entry;
      this.#byKey.set(`${occurrence}${JSON.stringify([kind, name, inputDigest])}`, entry);
    }
    this.#change(entry, record);
    entry.childId = record.childId ?? entry.childId;
    if (entry.overSeq > 0) this.#outcomes.push(entry);
  }

  #change(entry: Entry, record: JournalRecord): void {
    const { seq, state, result, errorMessage } = record;
    const wasOpen = entry.state === "BEGUN";
    entry.state = state;
    if (state === "BEGUN") entry.seq = seq;
    if (state === "COMPLETED" || state === "FAILED") entry.overSeq = seq + 1;
    entry.result = result;
    entry.errorMessage = errorMessage;
    this.#open += Number(state === "BEGUN") - Number(wasOpen);
    this.#records += 1;
    this.#bytes += recordBytes(record);
  }

  #record(
    entry: Entry,
    state: JournalState,
    said: Partial<Pick<JournalRecord, "result" | "errorMessage" | "wait">>,
  ): JournalRecord[] {
    const before = this.#recordFailures(entry.inSpiteOf);
    return [...before, this.#write(entry, state, said)];
  }

  #recordFailures(failures: readonly Entry[]): JournalRecord[] {
    const pending = failures.filter((failure) => this.#failures.includes(failure));
    if (pending.length === 0) return [];
    this.#failures = this.#failures.filter((failure) => !pending.includes(failure));
    return pending.flatMap((entry) => {
      const { errorMessage } = entry;
      // What counts as not done may begin again; it must not, once the agent has gone on: so it is begun, and has failed.
      const begun = entry.state === "NOT_DONE" ? [this.#write(entry, "BEGUN", {})] : [];
      return [...begun, this.#write(entry, "FAILED", { errorMessage })];
    });
  }

  #write(
    entry: Entry,
    state: JournalState,
    { result = "", errorMessage = "", wait }: Partial<JournalRecord>,
  ): JournalRecord {
    const { kind, name, occurrence, inputDigest, effect, concurrent } = entry;
    if (entry.number === 0) entry.number = this.#entries.push(entry);
    const record: JournalRecord = {
      ...{ seq: this.#records, entry: entry.number, state, kind, name, occurrence, inputDigest, effect },
      ...{ concurrent, result, errorMessage: clip(errorMessage, limits.errorMessageBytes).toWellFormed() },
      ...(wait && { wait }),
    };
    this.#change(entry, record);
    entry.isTold = entry.overSeq > 0;
    while (this.#entries[this.#first]?.isAsked) this.#first += 1;
    if (this.#bytes <= limits.journalBytes && this.#records <= limits.journalRecords) return record;
    const message = `the agent's journal has more than ${limits.journalBytes} bytes or ${limits.journalRecords} records, the most that one may have: return less from its durable steps, such as where a result lies`;
    throw new JournalError(message, "JOURNAL_LIMIT");
  }
}

function newEntry(name: JournalEntryName): Entry {
  return {
    ...name,
    ...{ number: 0, state: undefined, result: "", errorMessage: "", childId: undefined, seq: 0 },
    ...{ overSeq: 0, isAsked: false, isTold: false, inSpiteOf: [] },
  };
}

function answerOf({ kind, state, effect }: Entry): Answer {
  if (state === "COMPLETED") return "completed";
  if (state === "FAILED") return "failed";
  if (state !== "BEGUN") return "run";
  if (kind === "SLEEP" || kind === "SIGNAL" || kind === "CHILD") return "waiting";
  return effect === "ONCE" ? "in doubt" : "run";
}
