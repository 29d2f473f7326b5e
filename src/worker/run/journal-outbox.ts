import { type JournalRecord, recordBytes } from "#domain/task/journal";

/** A record that is not yet durable. */
interface Kept {
  readonly record: JournalRecord;
  readonly bytes: number;
  /** How many chunks of output had been written before it. */
  readonly chunks: number;
  readonly durable: () => void;
}

/**
 * The records of one Run's journal, in order: kept until the server acknowledges them, and sent again in each new session until then. Each
 * follows the output that was written before it, so that no result is durable whose output is not.
 *
 * Pure: the caller sends what {@link take} returns.
 */
export class JournalOutbox {
  #records: Kept[] = [];
  #sent = 0;
  /** Of the last acknowledgement that freed nothing although records had been sent. */
  #missing = -1;

  /** True if there is nothing to send. */
  get allSent(): boolean {
    return this.#sent === this.#records.length;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  /** @param chunks of output that have been written before @param durable called when it is durable */
  add(record: JournalRecord, chunks: number, durable: () => void): void {
    this.#records.push({ record, bytes: recordBytes(record), chunks, durable });
  }

  /** Returns the next record to send, and counts it as sent. @param chunksSent of output, in all */
  take(chunksSent: number): JournalRecord | undefined {
    const next = this.#records[this.#sent];
    if (!next || next.chunks > chunksSent) return undefined;
    this.#sent += 1;
    return next.record;
  }

  /**
   * Drops all records below `nextSeq`, which are durable. If the server lacks one that was sent, all are sent again, once.
   *
   * @returns the number of bytes dropped
   */
  acknowledge(nextSeq: number): number {
    const first = this.#records.findIndex(({ record }) => record.seq >= nextSeq);
    const durable = this.#records.splice(0, first === -1 ? this.#records.length : first);
    if (durable.length === 0 && this.#sent > 0 && this.#missing !== nextSeq) {
      this.#missing = nextSeq;
      this.rewind();
    }
    this.#sent = Math.max(0, this.#sent - durable.length);
    for (const kept of durable) kept.durable();
    return bytesOf(durable);
  }

  /** Starts over for a new session: everything that is kept is sent again. */
  rewind(): void {
    this.#sent = 0;
  }

  /** Drops everything. @returns the number of bytes dropped */
  clear(): number {
    const dropped = this.#records;
    this.#records = [];
    this.#sent = 0;
    return bytesOf(dropped);
  }
}

function bytesOf(records: readonly Kept[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}
