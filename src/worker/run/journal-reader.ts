import { limits } from "#limits/index";
import type { EarlierRecord } from "../journal/journal.js";
import type { RunKey } from "../protocol/run-key.js";
import type { WorkerTime } from "../timers.js";
import { type Ask, PatientReader } from "./patient-reader.js";
import { Window } from "./window.js";

/** Which page of its Step's journal a Run reads. */
export interface JournalWanted extends RunKey {
  readonly fromSeq: number;
}

/** Reads journals for all Runs of a Worker, over the current session. */
export class JournalReader {
  /** Pages under way. */
  readonly #window = new Window(limits.resultWindowBytes);
  readonly #reader: PatientReader<JournalWanted, readonly EarlierRecord[]>;

  constructor(time: WorkerTime) {
    this.#reader = new PatientReader(time);
  }

  /** Sets how to ask the server: call it when a session has begun and, with undefined, when it has ended. */
  use(ask: Ask<JournalWanted, readonly EarlierRecord[]> | undefined): void {
    this.#reader.use(ask);
  }

  /**
   * Returns the records of a journal from one seq up to another, which is not among them. Retries across lost connections.
   *
   * @throws {AgentError} if the server refuses or does not answer in time
   * @throws the signal's reason, if it aborts first
   */
  async read(
    { runId, fence }: RunKey,
    from: number,
    to: number,
    signal: AbortSignal,
  ): Promise<EarlierRecord[]> {
    const records: EarlierRecord[] = [];
    for (let fromSeq = from; fromSeq < to; ) {
      const page = await this.#page({ runId, fence, fromSeq }, signal);
      const last = page.at(-1);
      if (!last || last.seq < fromSeq) break;
      records.push(...page);
      fromSeq = last.seq + 1;
    }
    return records.filter(({ seq }) => seq < to);
  }

  async #page(wanted: JournalWanted, signal: AbortSignal): Promise<readonly EarlierRecord[]> {
    await this.#window.enter(limits.journalPageBytes, signal);
    try {
      return await this.#reader.read(wanted, "the journal of the step", signal);
    } finally {
      this.#window.leave(limits.journalPageBytes);
    }
  }
}
