import type { ChainMark, Checkpoint } from "./checkpoint.js";
import { type AuditEntry, hashedText, NO_ENTRY, recordText } from "./record.js";

/** What is wrong with a log, and where. */
export interface AuditFinding {
  readonly chain: string;
  readonly seq: number;
  /** The end of a sentence that begins with the entry. */
  readonly problem: string;
}

/** What a chain has shown itself to be. */
export interface ChainSummary {
  readonly chain: string;
  readonly first: number;
  readonly last: number;
  /** The last entry that a checkpoint vouches for; 0 if none does. What comes after it could have been cut off unseen. */
  readonly signed: number;
}

export interface VerifierTools {
  /** In hex. */
  readonly sha256: (text: string) => string;
  readonly timeOf: (at: number) => string;
}

interface Chain {
  readonly first: number;
  readonly firstPrev: string;
  last: number;
  hash: string;
  signed: number;
}

/**
 * Verifies a log, entry by entry, against itself and against checkpoints whose signatures are known to be right. The entries of a
 * chain come in their order; chains may be mixed.
 *
 * An edit, a deletion, an insertion and a changed order are found by the hashes alone. That the last entries are missing, or
 * that all was hashed anew, only a checkpoint tells.
 */
export class AuditVerifier {
  readonly findings: AuditFinding[] = [];
  readonly #sha256: (text: string) => string;
  readonly #timeOf: (at: number) => string;
  readonly #most: number;
  readonly #chains = new Map<string, Chain>();
  /** By chain: what checkpoints say of its entries. */
  readonly #marks = new Map<string, Map<number, { readonly hash: string; readonly at: number }>>();
  /** By chain: the ends of what was removed, with their hashes. */
  readonly #removed = new Map<string, Map<number, string>>();
  #count = 0;

  /**
   * @param tools what the domain has none of: hashes, and words for instants
   * @param most how many findings are kept; the rest is counted
   */
  constructor({ sha256, timeOf }: VerifierTools, most = 1_000) {
    this.#sha256 = sha256;
    this.#timeOf = timeOf;
    this.#most = most;
  }

  /** How many findings there were. */
  get count(): number {
    return this.#count;
  }

  /** Call for each checkpoint, before the entries. */
  checkpoint({ kind, chain, seq, hash, at, others }: Checkpoint): void {
    if (kind === "removed") {
      const ends = this.#removed.get(chain) ?? new Map<number, string>();
      this.#removed.set(chain, ends.set(seq, hash));
      return;
    }
    for (const mark of [{ chain, seq, hash }, ...others]) this.#mark(mark, at);
  }

  entry(entry: AuditEntry): void {
    const { chain, seq, prev, hash } = entry;
    const said = this.#sha256(hashedText(chain, seq, prev, recordText(entry)));
    const known = this.#chains.get(chain);
    if (known && seq <= known.last) {
      this.find(entry, `is out of order: it comes after entry ${known.last}`);
      return;
    }
    if (said !== hash) this.find(entry, "was changed: its hash is of something else");
    if (known && seq > known.last + 1) {
      this.find({ chain, seq: known.last + 1 }, `is missing${upTo(known.last + 1, seq - 1)}`);
    } else if ((known || seq === 1) && prev !== (known?.hash ?? NO_ENTRY)) {
      this.find(entry, "does not follow from the entry before it: that one was replaced");
    }
    const mark = this.#marks.get(chain)?.get(seq);
    if (mark && mark.hash !== hash) {
      this.find(entry, `is not the one that the checkpoint of ${this.#timeOf(mark.at)} vouches for`);
    }
    const signed = mark ? seq : (known?.signed ?? 0);
    if (known) Object.assign(known, { last: seq, hash, signed });
    else this.#chains.set(chain, { first: seq, firstPrev: prev, last: seq, hash, signed });
  }

  /** Call once, after the last entry. Then `findings` has all. */
  end(): readonly ChainSummary[] {
    for (const [chain, marks] of this.#marks) this.#checkEnds(chain, marks);
    return [...this.#chains].map(([chain, { first, last, signed }]) => ({ chain, first, last, signed }));
  }

  /** Adds a finding of the caller's, of a line that is no entry say. */
  find({ chain, seq }: Pick<AuditFinding, "chain" | "seq">, problem: string): void {
    this.#count += 1;
    if (this.findings.length < this.#most) this.findings.push({ chain, seq, problem });
  }

  #checkEnds(chain: string, marks: ReadonlyMap<number, { readonly at: number }>): void {
    const known = this.#chains.get(chain);
    const [seq, { at }] = lastOf(marks);
    const last = known?.last ?? this.#removedThrough(chain);
    if (seq > last) {
      this.find(
        { chain, seq: last + 1 },
        `is missing${upTo(last + 1, seq)}: a checkpoint of ${this.#timeOf(at)} has it`,
      );
    }
    if (!known || known.first === 1) return;
    const removed = this.#removed.get(chain);
    if (!removed || this.#removedThrough(chain) < known.first - 1) {
      this.find(
        { chain, seq: 1 },
        `is missing${upTo(1, known.first - 1)}: nothing signed says that it was removed`,
      );
      return;
    }
    const hash = removed.get(known.first - 1);
    if (hash !== undefined && hash !== known.firstPrev) {
      this.find({ chain, seq: known.first }, "does not follow from what was removed before it");
    }
  }

  #removedThrough(chain: string): number {
    return Math.max(0, ...(this.#removed.get(chain)?.keys() ?? []));
  }

  #mark({ chain, seq, hash }: ChainMark, at: number): void {
    const marks = this.#marks.get(chain) ?? new Map<number, { hash: string; at: number }>();
    this.#marks.set(chain, marks);
    const known = marks.get(seq);
    if (known && known.hash !== hash) {
      this.find(
        { chain, seq },
        `has two checkpoints that contradict each other, of ${this.#timeOf(known.at)} and ${this.#timeOf(at)}`,
      );
    } else if (!known) marks.set(seq, { hash, at });
  }
}

function lastOf<V>(marks: ReadonlyMap<number, V>): [number, V] {
  let last: [number, V] | undefined;
  for (const mark of marks) if (!last || mark[0] > last[0]) last = mark;
  if (!last) throw new RangeError("there is no mark");
  return last;
}

function upTo(first: number, last: number): string {
  return last > first ? `, and so on to ${last}` : "";
}
