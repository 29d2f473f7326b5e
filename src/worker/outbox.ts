import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";

/** A piece of output on its way. */
export interface Chunk {
  readonly kind: "chunk";
  readonly seq: number;
  readonly content: string;
  readonly bytes: number;
  readonly metadata: Labels;
  readonly at: number;
}

/** Something a run says beside its output; told once, never acknowledged. */
export interface Note<Content> {
  readonly kind: "note";
  readonly content: Content;
}

/**
 * What one run has to say, in order. A chunk stays until the plane says that it is durable, and is sent
 * again in every session until then; a note is sent once. Bytes sent and not acknowledged stay within
 * the credit, except that one chunk may always be under way while there is any credit at all.
 *
 * Pure: who calls it decides when, and does the sending.
 */
export class Outbox<Content> {
  /** First the chunks sent in this session, then whatever is still to be sent. */
  #entries: (Chunk | Note<Content>)[] = [];
  #sent = 0;
  #sentBytes = 0;
  #bytes = 0;
  #chunks = 0;
  #notes = 0;
  #nextSeq = 0;
  #credit: number = limits.runCreditBytes;

  /** How many chunks were ever added: the seq of the next one. */
  get count(): number {
    return this.#nextSeq;
  }

  /** The lowest seq that can still be sent. */
  get lowest(): number {
    return this.#nextSeq - this.#chunks;
  }

  /** Bytes kept: sent or not, but not yet durable. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True if nothing is left to be sent in this session. */
  get allSent(): boolean {
    return this.#sent === this.#entries.length;
  }

  /** True if another chunk of this size may be added now; else wait for an acknowledgement. */
  hasRoom(bytes: number): boolean {
    return this.#chunks < limits.outboxChunks && within(this.#credit, this.#bytes, bytes);
  }

  add(content: string, bytes: number, metadata: Labels, at: number): void {
    this.#entries.push({ kind: "chunk", seq: this.#nextSeq, content, bytes, metadata, at });
    this.#nextSeq += 1;
    this.#chunks += 1;
    this.#bytes += bytes;
  }

  /** @returns false if the oldest waiting note had to be forgotten for it */
  addNote(content: Content): boolean {
    const fits = this.#notes < limits.outboxNotes;
    if (!fits) this.#remove(this.#entries.findIndex(({ kind }) => kind === "note"));
    this.#entries.push({ kind: "note", content });
    this.#notes += 1;
    return fits;
  }

  /** The next entry to send now, or undefined if there is none or the credit is used up. */
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
   * All chunks below `nextSeq` are durable and forgotten.
   *
   * @returns how many bytes were let go
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

  /** A new session begins: whatever is not durable is to be sent again, from the lowest seq. */
  rewind(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** @param bytes how much may be sent and not yet acknowledged, from now on */
  setCredit(bytes: number): void {
    this.#credit = bytes;
  }

  /**
   * Forgets everything that is not durable: nobody wants it any more.
   *
   * @returns how many bytes were let go
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
