import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";

/** A piece of output that is not yet durable. `at` is Unix milliseconds. */
export interface Chunk {
  readonly kind: "chunk";
  readonly seq: number;
  readonly content: string;
  readonly bytes: number;
  readonly metadata: Labels;
  readonly at: number;
}

/** An event or chat message: sent at most once, never acknowledged. */
export interface Note<Content> {
  readonly kind: "note";
  readonly content: Content;
}

/**
 * The ordered output of one Run, with flow control. A chunk is kept until the server acknowledges it as durable, and is
 * sent again in each new session until then; a note is sent once. The bytes sent and not acknowledged stay within the
 * credit, except that one chunk may always be sent while there is any credit.
 *
 * Pure: the caller sends what {@link take} returns.
 */
export class Outbox<Content> {
  /** The chunks sent in this session and not acknowledged, then what is still to be sent. */
  #entries: (Chunk | Note<Content>)[] = [];
  #sent = 0;
  #sentBytes = 0;
  #bytes = 0;
  #chunks = 0;
  #notes = 0;
  #nextSeq = 0;
  #credit: number = limits.runCreditBytes;

  /** Number of chunks added so far, which is the next chunk's sequence number. */
  get count(): number {
    return this.#nextSeq;
  }

  /** The lowest sequence number that is still kept. */
  get lowest(): number {
    return this.#nextSeq - this.#chunks;
  }

  /** Number of chunks that are sent in this session, or durable. */
  get sent(): number {
    return this.lowest + this.#sent;
  }

  /** Bytes of the chunks that are kept, sent or not. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True if nothing is left to be sent in this session. */
  get allSent(): boolean {
    return this.#sent === this.#entries.length;
  }

  /** True if a chunk of this size may be added now; otherwise wait for an acknowledgement. */
  hasRoom(bytes: number): boolean {
    return this.#chunks < limits.outboxChunks && within(this.#credit, this.#bytes, bytes);
  }

  add(content: string, bytes: number, metadata: Labels, at: number): void {
    this.#entries.push({ kind: "chunk", seq: this.#nextSeq, content, bytes, metadata, at });
    this.#nextSeq += 1;
    this.#chunks += 1;
    this.#bytes += bytes;
  }

  /** @returns false if the oldest unsent note was dropped for it */
  addNote(content: Content): boolean {
    const fits = this.#notes < limits.outboxNotes;
    if (!fits) this.#remove(this.#entries.findIndex(({ kind }) => kind === "note"));
    this.#entries.push({ kind: "note", content });
    this.#notes += 1;
    return fits;
  }

  /** Returns the next entry to send and counts it as sent; undefined if there is none or the credit is used up. */
  take(): Chunk | Note<Content> | undefined {
    const next = this.#entries[this.#sent];
    if (next === undefined) return undefined;
    if (next.kind === "note") {
      this.#remove(this.#sent);
      return next;
    }
    if (!within(this.#credit, this.#sentBytes, next.bytes)) return undefined;
    this.#sent += 1;
    this.#sentBytes += next.bytes;
    return next;
  }

  /**
   * Drops all chunks below `nextSeq`, which are durable.
   *
   * @returns the number of bytes dropped
   */
  acknowledge(nextSeq: number): number {
    const notes: Note<Content>[] = [];
    let passed = 0;
    let freed = 0;
    let sent = 0;
    for (const entry of this.#entries) {
      if (entry.kind === "note") notes.push(entry);
      else if (entry.seq >= nextSeq) break;
      else {
        freed += entry.bytes;
        if (passed < this.#sent) {
          this.#sentBytes -= entry.bytes;
          sent += 1;
        }
      }
      passed += 1;
    }
    this.#entries.splice(0, passed, ...notes);
    this.#sent -= sent;
    this.#chunks -= passed - notes.length;
    this.#bytes -= freed;
    return freed;
  }

  /** Starts over for a new session: everything that is kept is sent again, from {@link lowest}. */
  rewind(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** @param bytes how much may be sent and not acknowledged, from now on */
  setCredit(bytes: number): void {
    this.#credit = bytes;
  }

  /**
   * Drops everything.
   *
   * @returns the number of bytes dropped
   */
  clear(): number {
    const freed = this.#bytes;
    this.#entries = [];
    this.#sent = this.#sentBytes = this.#bytes = this.#chunks = this.#notes = 0;
    return freed;
  }

  #remove(index: number): void {
    this.#entries.splice(index, 1);
    this.#notes -= 1;
  }
}

function within(credit: number, used: number, more: number): boolean {
  return used + more <= credit || (used === 0 && credit > 0);
}
