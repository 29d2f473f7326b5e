import type { JournalRecord } from "#domain/task/journal";
import { recordBytes } from "#domain/task/journal";
import type { UsedModel } from "#domain/task/usage";
import { limits } from "#limits/index";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "../agent/context.js";
import { AgentError, RunStopped } from "../agent/error.js";
import { failed, failure } from "../agent/outcome.js";
import { DurableCalls, type DurableKeeper } from "../journal/durable-calls.js";
import type { EarlierRecord, Entry } from "../journal/journal.js";
import { CHECKPOINT, JournalError } from "../journal/misfit.js";
import type { Outcome } from "../protocol/frames.js";
import { journal } from "../protocol/journal-frames.js";
import type { RunKey } from "../protocol/run-key.js";
import type { WorkerTime } from "../timers.js";
import { JournalOutbox } from "./journal-outbox.js";
import type { JournalReader } from "./journal-reader.js";
import type { Window } from "./window.js";

/** What {@link RunDurable} needs of the Run. */
export interface DurableSurroundings {
  readonly key: RunKey;
  /** How many records earlier Runs have written. */
  readonly earlierCount: number;
  readonly signal: AbortSignal;
  readonly time: Pick<WorkerTime, "monotonic" | "after">;
  /** Limits the bytes of all Runs that are not yet durable. */
  readonly window: Window;
  readonly readJournal: JournalReader["read"];
  readonly event: AgentContext["event"];
  /** How many chunks of output there are. */
  readonly chunks: () => number;
  /** Resolves when all output is in the outbox. */
  readonly written: () => Promise<void>;
  /** Called when there is something to send. */
  readonly ready: () => void;
  readonly used: (seq: number, used: UsedModel) => void;
  readonly fail: (error: JournalError) => void;
  readonly suspend: (outcome: Outcome) => void;
}

/** The journal and the usage of one Run, from its first durable call on: records are sent, and kept until they are durable. */
export class RunDurable implements DurableKeeper {
  readonly calls: DurableCalls;
  readonly signal: AbortSignal;
  readonly earlier: (() => Promise<readonly EarlierRecord[]>) | undefined;
  readonly event: AgentContext["event"];
  readonly #around: DurableSurroundings;
  readonly #outbox = new JournalOutbox();
  /** Tasks of children, by the seq of the records with which they began. */
  readonly #children = new Map<number, string>();
  #entering: Promise<void> = Promise.resolve();
  /** Records that wait for room in the window. */
  #outside = 0;
  #reports = 0;
  /** Set when the Run would end while something is being done that must be done once. */
  #untilDone: Promise<void> | undefined;
  #hasWaited = false;

  constructor(around: DurableSurroundings) {
    const { key, earlierCount, signal, event, readJournal } = around;
    this.#around = around;
    this.signal = signal;
    this.event = event;
    this.earlier = earlierCount > 0 ? () => readJournal(key, 0, earlierCount, signal) : undefined;
    this.calls = new DurableCalls(this);
    const stop = (): void => this.calls.runner.stop(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  }

  /** True if nothing is left to be sent in this session. */
  get allSent(): boolean {
    return this.#outside === 0 && this.#outbox.allSent;
  }

  /** True if all records are durable. */
  get isDurable(): boolean {
    return this.#outside === 0 && this.#outbox.isEmpty;
  }

  keep(records: readonly JournalRecord[]): Promise<void> {
    const kept = records.map((record) => this.#add(record));
    return Promise.all(kept).then(() => {});
  }

  async childOf(seq: number): Promise<string> {
    const { key, readJournal, signal } = this.#around;
    // The acknowledgement that named it was lost.
    const known = this.#children.get(seq) ?? (await readJournal(key, seq, seq + 1, signal))[0]?.childId;
    if (known !== undefined) return known;
    throw new AgentError("the server has not said which task the child is", { retryable: true });
  }

  quiet(): Promise<void> {
    return this.#around.written();
  }

  suspend(entries: readonly Entry[], count: number): void {
    this.#around.suspend({ status: "SUSPENDED", entries: entries.map(({ number }) => number), count });
  }

  fail(error: JournalError): void {
    this.#around.fail(error);
  }

  used(report: UsedModel): void {
    if (this.#reports >= limits.usageReports) {
      const message = `the run has reported what it uses ${limits.usageReports} times, the most that a run may: report less often, with sums`;
      throw new AgentError(message, { retryable: false });
    }
    this.#around.used(this.#reports, report);
    this.#reports += 1;
  }

  monotonic(): number {
    return this.#around.time.monotonic();
  }

  /** Returns the next record to send. @param chunksSent of output */
  next(chunksSent: number): RunClientMessage | undefined {
    const record = this.#outbox.take(chunksSent);
    return record && journal(this.#around.key, record);
  }

  /** The server has all records before `nextSeq`. @param childId the Task that the last of them has begun, or empty */
  acknowledge(nextSeq: number, childId: string): void {
    if (childId !== "") this.#children.set(nextSeq - 1, childId);
    this.#around.window.leave(this.#outbox.acknowledge(nextSeq));
  }

  rewind(): void {
    this.#outbox.rewind();
  }

  /** Drops what is not durable: nothing more is sent. */
  clear(): void {
    this.#around.window.leave(this.#outbox.clear());
  }

  /**
   * False while something is being done that must be done once: a Run that says that it has ended lets the next one begin, which finds out
   * whether that was done. It is waited for as long as the server does; then it does not heed its signal, and never will.
   */
  mayEnd(): boolean {
    if (this.#hasWaited || !this.calls.runner.work.isActing) return true;
    if (!this.#untilDone) void this.#waitUntilDone().then(this.#around.ready);
    return false;
  }

  #waitUntilDone(): Promise<void> {
    this.#untilDone ??= new Promise((resolve) => {
      const waited = (): void => {
        this.#hasWaited = true;
        resolve();
      };
      const clear = this.#around.time.after(limits.releaseWait, waited);
      void this.calls.runner.work.done().then(() => {
        clear();
        // Its result is journaled first, if that still counts.
        setImmediate(resolve);
      });
    });
    return this.#untilDone;
  }

  /** What the Run has come to, now that its agent has returned: it must have asked for all that earlier Runs have journaled. */
  async conclude(outcome: Outcome): Promise<Outcome> {
    try {
      if (this.calls.runner.work.isActing) await this.#waitUntilDone();
      if (outcome.status === "COMPLETED") await this.calls.runner.conclude();
      if (outcome.status === "YIELDED" && (this.#around.earlierCount > 0 || this.calls.runner.hasRecords)) {
        return failed(CHECKPOINT, { retryable: false });
      }
      return outcome;
    } catch (error) {
      if (!(error instanceof JournalError)) return failure(error, this.signal);
      return failed(error.message, { retryable: false, reason: error.reason });
    } finally {
      this.calls.runner.stop(new RunStopped("ended", "the agent has returned"));
    }
  }

  /** Resolves when the record is durable. Records enter the window in their order. */
  #add(record: JournalRecord): Promise<void> {
    const { window, signal, chunks, ready } = this.#around;
    this.#outside += 1;
    return new Promise((durable) => {
      const enter = async (): Promise<void> => {
        try {
          await window.enter(recordBytes(record), signal);
          this.#outbox.add(record, chunks(), durable);
        } catch {
          // The Run was stopped: nobody waits for it any more.
        } finally {
          this.#outside -= 1;
        }
        ready();
      };
      this.#entering = this.#entering.then(enter);
    });
  }
}
