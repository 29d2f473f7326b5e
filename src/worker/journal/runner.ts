import type { JournalRecord, JournalWait } from "#domain/task/journal";
import { AgentError, RunStopped } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";
import { jsonOf } from "../agent/json-of.js";
import { type Asked, type EarlierRecord, type Entry, Journal } from "./journal.js";
import type { Begun, JournalKeeper, Work } from "./keeper.js";
import { entryInWords, JournalError } from "./misfit.js";
import { Replay } from "./replay.js";
import { replayedError } from "./replayed-error.js";
import { nestedWithin, StepWork } from "./step-work.js";

/**
 * Does what the durable functions of one Run ask for: by its journal what earlier Runs have done, and what they have not, with records
 * that are durable before the agent hears of it. Suspends the Run when its agent only waits.
 */
export class JournalRunner {
  readonly #keeper: JournalKeeper;
  #journal: Journal | undefined;
  /** Calls made while the journal is being read, in their order. */
  #early: (() => void)[] | undefined;
  /** Calls that are not settled, by what rejects them. */
  readonly #unsettled = new Set<(reason: unknown) => void>();
  /** Calls that do more than wait. */
  #busy = 0;
  readonly #waiting = new Map<Entry, (() => void)[]>();
  readonly work = new StepWork();
  readonly #replay = new Replay(() => this.#known);
  #isResting = false;
  #isTurning = false;
  /** Why nothing is done any more. */
  #over: unknown;

  constructor(keeper: JournalKeeper) {
    this.#keeper = keeper;
    if (!keeper.earlier) this.#journal = new Journal();
  }

  /**
   * Makes a call of the agent: it rejects when the Run is stopped or ends, and within the work of a step, which a later Run would not do.
   * An agent need not await it.
   */
  call<Result>(work: () => Promise<Result>): Promise<Result> {
    const nested = nestedWithin();
    return this.#tracked(nested ? () => Promise.reject(nested) : work);
  }

  #tracked<Result>(work: () => Promise<Result>): Promise<Result> {
    const made = new Promise<Result>((resolve, reject) => {
      if (this.#over !== undefined) return reject(this.#over);
      this.#unsettled.add(reject);
      const done = (): void => void this.#unsettled.delete(reject);
      work().then(
        (result) => {
          done();
          resolve(result);
        },
        (error: unknown) => {
          done();
          if (error instanceof JournalError) this.#keeper.fail(error);
          reject(error);
        },
      );
    });
    made.catch(() => {}); // who awaits it hears of it
    return made;
  }

  /** Does a piece of work, or returns what an earlier Run had of it: a value as JSON has it. */
  perform({ asked, run, settle, replayed }: Work): Promise<unknown> {
    return this.#working(async () => {
      const { entry, answer } = await this.#ask(asked);
      try {
        if (answer === "completed" || answer === "failed") {
          await this.#replay.turnOf(entry); // not at once: what the agent begins meanwhile runs beside it
          replayed?.();
          if (answer === "failed") throw replayedError(entry.errorMessage);
          return parsed(entry.result);
        }
        if (answer === "in doubt") {
          const outcome = await this.#tried(entry, () => settle(entry));
          if (outcome.done) return await this.#complete(entry, outcome.result);
          await this.#keep((journal) => journal.notDone(entry, "it was not done"));
        }
        return await this.#run(entry, run);
      } finally {
        this.#returned();
      }
    });
  }

  /** Waits for what others bring about. Returns its entry, which is over. */
  wait(asked: Asked, wait: JournalWait): Promise<Entry> {
    return this.#working(async () => {
      const entry = await this.#begun(asked, wait);
      await this.#untilOver(entry);
      this.#returned();
      return entry;
    });
  }

  /** Begins what others bring about. Returns its entry, and how to wait until it is over. */
  begin(asked: Asked, wait: JournalWait): Promise<Begun> {
    return this.#working(async () => {
      const entry = await this.#begun(asked, wait);
      entry.childId ??= await this.#keeper.childOf(entry.seq);
      this.#returned();
      return { entry, over: () => this.#awaited(entry) };
    });
  }

  /** The outcome of something that is waited for, where the Run need not end for it. */
  #deliver(record: EarlierRecord): void {
    const entry = this.#known.over(record);
    const waiting = entry && this.#waiting.get(entry);
    if (!waiting) return;
    this.#waiting.delete(entry);
    entry.isTold = true;
    for (const wake of waiting) wake();
  }

  /** Rejects every call, now and later. */
  stop(reason: unknown): void {
    this.#over ??= reason;
    for (const reject of this.#unsettled) reject(reason);
    this.#unsettled.clear();
    this.#waiting.clear();
  }

  /** Call it when the agent has returned. @throws {JournalError} if it has left out what earlier Runs have journaled */
  async conclude(): Promise<void> {
    const journal = this.#journal ?? new Journal((await this.#keeper.earlier?.()) ?? []);
    journal.checkAllAsked();
  }

  /** True if the Step has a journal, as far as it is known. */
  get hasRecords(): boolean {
    return (this.#journal?.count ?? 0) > 0;
  }

  get #known(): Journal {
    if (!this.#journal) throw new Error("the journal is used before it was read");
    return this.#journal;
  }

  async #working<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#rest();
    }
  }

  /** Decides at once if the journal is known, so that the order of the decisions is that of the calls. */
  #ask(asked: Asked): ReturnType<Journal["ask"]> | Promise<ReturnType<Journal["ask"]>> {
    if (this.#journal) return this.#journal.ask(asked);
    if (!this.#early) {
      this.#early = [];
      void this.#read();
    }
    const early = this.#early;
    return new Promise((resolve, reject) => {
      early.push(() => {
        try {
          resolve(this.#known.ask(asked));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async #read(): Promise<void> {
    try {
      this.#journal = new Journal(await this.#keeper.earlier?.());
    } catch (error) {
      this.stop(error);
      return;
    }
    for (const decide of this.#early ?? []) decide();
    this.#early = undefined;
  }

  async #run(entry: Entry, run: Work["run"]): Promise<unknown> {
    if (entry.effect === "ONCE") await this.#keep((journal) => journal.begin(entry));
    return this.#complete(
      entry,
      await this.#tried(entry, () => this.work.do(entry, run, this.#keeper.signal)),
    );
  }

  async #complete(entry: Entry, result: unknown): Promise<unknown> {
    const json = await this.#tried(entry, async () => jsonOf(result, `result of ${entryInWords(entry)}`));
    await this.#keep((journal) => journal.complete(entry, json));
    return parsed(json);
  }

  /** What it throws is a failure of the entry. */
  async #tried<Result>(entry: Entry, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (this.#over !== undefined || error instanceof JournalError) throw error;
      const message = inWords(error);
      if (isNotDone(error) && entry.effect === "ONCE") {
        await this.#keep((journal) => journal.notDone(entry, message));
      }
      this.#known.fail(entry, message);
      throw error;
    }
  }

  /** Makes records and resolves when they are durable; neither once the Run is over. */
  async #keep(make: (journal: Journal) => readonly JournalRecord[]): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    await this.#keeper.keep(make(this.#known));
    if (this.#over !== undefined) throw this.#over;
  }

  async #begun(asked: Asked, wait: JournalWait): Promise<Entry> {
    const { entry, answer } = await this.#ask(asked);
    if (answer === "run") await this.#keep((journal) => journal.begin(entry, wait));
    return entry;
  }

  #awaited(entry: Entry): Promise<Entry> {
    return this.call(() =>
      this.#working(async () => {
        this.#known.enter();
        await this.#untilOver(entry);
        this.#returned();
        return entry;
      }),
    );
  }

  async #untilOver(entry: Entry): Promise<void> {
    if (entry.state !== "BEGUN") return this.#replay.turnOf(entry);
    const over = new Promise<void>((resolve) => {
      this.#waiting.set(entry, [...(this.#waiting.get(entry) ?? []), resolve]);
    });
    this.#busy -= 1;
    this.#rest();
    await over;
    this.#busy += 1;
  }

  #returned(): void {
    this.#known.returned();
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => {
      this.#isTurning = false;
      this.#known.turnEnded();
    });
  }

  get #onlyWaits(): boolean {
    return this.#busy === 0 && this.#waiting.size > 0 && this.#over === undefined;
  }

  /** Suspends the Run if its agent only waits, and begins nothing else while it has its turn. */
  #rest(): void {
    if (!this.#onlyWaits || this.#isResting) return;
    this.#isResting = true;
    setImmediate(async () => {
      if (this.#onlyWaits) await this.#tracked(() => this.#suspend()).catch(() => {});
      this.#isResting = false;
      this.#rest();
    });
  }

  async #suspend(): Promise<void> {
    // It goes on in spite of what has failed.
    if (this.#known.hasFailures) await this.#working(() => this.#keep((journal) => journal.flush()));
    await this.#keeper.quiet();
    if (!this.#onlyWaits) return;
    if (this.#keeper.over) {
      for (const record of await this.#keeper.over([...this.#waiting.keys()])) this.#deliver(record);
      return;
    }
    // The agent's promises stay as they are: another Run goes on from here.
    this.#unsettled.clear();
    this.#over = new RunStopped("suspended", "the run waits, and another one goes on");
    this.#keeper.suspend([...this.#waiting.keys()], this.#known.count);
  }
}

/** Says itself that it may be tried again: then a step that must be done once was not done. */
function isNotDone(error: unknown): boolean {
  return error instanceof AgentError && error.retryable === true;
}

function parsed(json: string): unknown {
  return json === "" ? undefined : JSON.parse(json);
}
