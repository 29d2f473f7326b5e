import type { AuditEntry } from "#domain/audit/record";
import type { AuditAppend, AuditStore } from "#ports/audit";
import { entryOf, linked } from "../shared/audit-chain.js";
import { compare } from "./templates.js";

/** The audit log in memory. */
export class MemoryAudit implements AuditStore {
  readonly #chains = new Map<string, AuditEntry[]>();

  async append(_id: string, append: AuditAppend): Promise<void> {
    this.add(append);
  }

  add(append: AuditAppend): void {
    const { chain } = append;
    const entries = this.#chains.get(chain) ?? [];
    this.#chains.set(chain, entries);
    for (const record of linked(append, entries.at(-1))) entries.push(entryOf(chain, record));
  }

  entries: AuditStore["entries"] = async (after, limit, chain) => {
    const names = [...this.#chains.keys()].filter((name) => chain === undefined || name === chain);
    const all = names.sort(compare).flatMap((name) => this.#chains.get(name) ?? []);
    return all.filter((entry) => !after || byPlace(entry, after) > 0).slice(0, limit);
  };

  latest: AuditStore["latest"] = async (before, limit) => {
    const all = [...this.#chains.values()].flat().sort((a, b) => byInstant(b, a));
    return all.filter((entry) => !before || byInstant(entry, before) < 0).slice(0, limit);
  };

  heads: AuditStore["heads"] = async (after, limit) => {
    const heads = [...this.#chains.values()].flatMap((entries) => {
      const [first, last] = [entries[0], entries.at(-1)];
      if (!first || !last || last.chain <= after) return [];
      return [{ chain: last.chain, first: first.seq, seq: last.seq, hash: last.hash, at: last.at }];
    });
    return heads.sort((a, b) => compare(a.chain, b.chain)).slice(0, limit);
  };

  remove: AuditStore["remove"] = async ({ chain, seq }, limit) => {
    const entries = this.#chains.get(chain) ?? [];
    const count = Math.min(limit, entries.filter((entry) => entry.seq <= seq).length);
    entries.splice(0, count);
    if (entries.length === 0) this.#chains.delete(chain);
    return count;
  };
}

type Place = Pick<AuditEntry, "chain" | "seq">;

function byPlace(a: Place, b: Place): number {
  return compare(a.chain, b.chain) || a.seq - b.seq;
}

function byInstant(a: Place & Pick<AuditEntry, "at">, b: Place & Pick<AuditEntry, "at">): number {
  return a.at - b.at || byPlace(a, b);
}
