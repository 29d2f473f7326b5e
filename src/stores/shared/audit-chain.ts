import { createHash } from "node:crypto";
import { type AuditEntry, hashedText, NO_ENTRY, recordOf, recordText } from "#domain/audit/record";
import type { AuditAppend } from "#ports/audit";

/** The end of a chain, from which the next entry follows. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

export const NEW_CHAIN: ChainEnd = { seq: 0, hash: NO_ENTRY };

/** An entry as it lies in a store: the text of its record is what is hashed. */
export interface LinkedRecord {
  readonly seq: number;
  readonly at: number;
  readonly prev: string;
  readonly hash: string;
  readonly text: string;
}

/** Numbers and hashes records behind the end of their chain. */
export function linked({ chain, records }: AuditAppend, end: ChainEnd = NEW_CHAIN): LinkedRecord[] {
  let { seq, hash } = end;
  return records.map((record) => {
    const prev = hash;
    const text = recordText(record);
    seq += 1;
    hash = sha256(hashedText(chain, seq, prev, text));
    return { seq, at: record.at, prev, hash, text };
  });
}

export function entryOf(chain: string, { seq, prev, hash, text }: Omit<LinkedRecord, "at">): AuditEntry {
  return { ...recordOf(text), chain, seq, prev, hash };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
