import type { AuditEntry } from "#domain/audit/record";
import type { AuditHead } from "#ports/audit";
import { auditFrom } from "../rows/rows.js";
import type { boots, Prepared, writes } from "../rows/statements.js";
import type { AuditLatest, AuditPage } from "../thread/requests.js";

/** Reads the audit log, for the writer: it is read seldom, and by its own commits most of the time. */
export class AuditReads {
  readonly #sql: Prepared<typeof boots & typeof writes>;

  constructor(sql: Prepared<typeof boots & typeof writes>) {
    this.#sql = sql;
  }

  entries({ after, limit, chain }: AuditPage): readonly AuditEntry[] {
    const rows =
      chain === undefined
        ? this.#sql.auditEntries.all([after?.chain ?? "", after?.seq ?? 0, limit])
        : this.#sql.auditEntriesOf.all([chain, after?.seq ?? 0, limit]);
    return rows.map(auditFrom);
  }

  latest({ before, limit }: AuditLatest): readonly AuditEntry[] {
    const { at, chain, seq } = before ?? { at: Number.MAX_SAFE_INTEGER, chain: "", seq: 0 };
    return this.#sql.auditLatest.all([at, chain, seq, limit]).map(auditFrom);
  }

  heads(after: string, limit: number): readonly AuditHead[] {
    const heads: AuditHead[] = [];
    let chain = after;
    while (heads.length < limit) {
      const [row] = this.#sql.auditChain.all([chain]);
      if (!row) break;
      const first = auditFrom(row);
      chain = first.chain;
      const { seq, hash, at } = auditFrom(this.#sql.lastOfAudit.all([chain])[0] ?? row);
      heads.push({ chain, first: first.seq, seq, hash, at });
    }
    return heads;
  }

  /** The first entry of a chain and the last of up to `limit` that follow, none after `seq`; undefined if there is none. */
  range(chain: string, seq: number, limit: number): readonly [first: number, last: number] | undefined {
    const [row] = this.#sql.auditEntriesOf.all([chain, 0, 1]);
    const first = row && auditFrom(row).seq;
    return first === undefined || first > seq ? undefined : [first, Math.min(seq, first + limit - 1)];
  }
}
