import type { Checkpoint } from "#domain/audit/checkpoint";
import type { AuditEntry } from "#domain/audit/record";
import type { Instant, Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditHead, AuditStore } from "#ports/audit";

/** How long entries are kept, and how many of a chain. */
export interface RetentionTerms {
  readonly age: Millis;
  readonly entries: number;
}

export interface Sweep {
  readonly store: AuditStore;
  /** The chain that goes on: its last entry stays, so that the next one has a place to follow. */
  readonly own: string;
  readonly now: Instant;
  readonly terms: RetentionTerms;
  /** Says, signed, what is about to be removed. Awaited before it is. */
  readonly tell: (said: Omit<Checkpoint, "key" | "signature">) => Promise<void>;
  readonly pause: () => Promise<void>;
}

/**
 * Removes the oldest entries of every chain: those that are too old, and those that are too many. What remains is verified from
 * its first entry on.
 */
export async function removeOld(sweep: Sweep): Promise<void> {
  const { store } = sweep;
  let after = "";
  for (let looked = 0; looked < limits.auditChains; looked += limits.auditPage) {
    const heads = await store.heads(after, limits.auditPage);
    for (const head of heads) await removeOldOf(head, sweep);
    after = heads.at(-1)?.chain ?? "";
    if (heads.length < limits.auditPage) return;
  }
}

async function removeOldOf(head: AuditHead, { store, own, now, terms, tell, pause }: Sweep): Promise<void> {
  const { chain } = head;
  const last = chain === own ? head.seq - 1 : head.seq;
  const tooMany = head.seq - terms.entries;
  for (let from = head.first; ; ) {
    const page = await store.entries({ chain, seq: from - 1 }, limits.auditPage, chain);
    const end = lastOld(
      page,
      (entry) => entry.seq <= last && (entry.seq <= tooMany || now - entry.at > terms.age),
    );
    if (!end) return;
    await tell({ kind: "removed", chain, seq: end.seq, hash: end.hash, at: now, others: [] });
    await store.remove({ chain, seq: end.seq }, limits.auditPage);
    if (end !== page.at(-1)) return;
    from = end.seq + 1;
    await pause();
  }
}

/** The last of the entries, from the first on, that are all old. */
function lastOld(page: readonly AuditEntry[], isOld: (entry: AuditEntry) => boolean): AuditEntry | undefined {
  const young = page.findIndex((entry) => !isOld(entry));
  return young < 0 ? page.at(-1) : page[young - 1];
}
