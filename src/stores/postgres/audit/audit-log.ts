import { type AuditEntry, recordText } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import type { AuditAppend, AuditStore } from "#ports/audit";
import { entryOf } from "../../shared/audit-chain.js";
import type { Calls } from "../connect/calls.js";
import type { Cells } from "../connect/connection.js";

const COLUMNS = "chain, seq, prev, hash, record";

const statements = {
  append: { name: "append-audit", text: "SELECT record_audit_1($1, $2, $3)" },
  entries: {
    name: "audit-entries",
    text: `SELECT ${COLUMNS} FROM audit WHERE (chain, seq) > ($1, $2) ORDER BY chain, seq LIMIT $3`,
  },
  entriesOf: {
    name: "audit-entries-of",
    text: `SELECT ${COLUMNS} FROM audit WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
  },
  latest: {
    name: "audit-latest",
    text: `SELECT ${COLUMNS} FROM audit WHERE (at, chain, seq) < ($1, $2, $3)
      ORDER BY at DESC, chain DESC, seq DESC LIMIT $4`,
  },
  /** Goes from chain to chain by the index. */
  heads: {
    name: "audit-heads",
    text: `WITH RECURSIVE chains AS (
      (SELECT chain FROM audit WHERE chain > $1 ORDER BY chain LIMIT 1)
      UNION ALL
      SELECT (SELECT a.chain FROM audit AS a WHERE a.chain > c.chain ORDER BY a.chain LIMIT 1) FROM chains AS c
      WHERE c.chain IS NOT NULL)
      SELECT c.chain, f.seq, l.seq, l.hash, l.at FROM (SELECT chain FROM chains WHERE chain IS NOT NULL LIMIT $2) AS c,
        LATERAL (SELECT seq FROM audit AS a WHERE a.chain = c.chain ORDER BY seq LIMIT 1) AS f,
        LATERAL (SELECT seq, hash, at FROM audit AS a WHERE a.chain = c.chain ORDER BY seq DESC LIMIT 1) AS l
      ORDER BY c.chain`,
  },
  remove: {
    name: "remove-audit",
    text: `WITH removed AS (DELETE FROM audit AS a USING (
        SELECT chain, seq FROM audit WHERE chain = $1 AND seq <= $2 ORDER BY seq LIMIT $3) AS old
      WHERE a.chain = old.chain AND a.seq = old.seq RETURNING 1) SELECT count(*) FROM removed`,
  },
} as const;

const LAST = Number.MAX_SAFE_INTEGER;

/** The audit log on PostgreSQL, which hashes it by a function of its own. */
export class PostgresAudit implements AuditStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async append(id: string, append: AuditAppend): Promise<void> {
    await this.#calls.query(statements.append, [id, append.chain, recordsText(append)]);
  }

  entries: AuditStore["entries"] = (after, limit, chain) =>
    chain === undefined
      ? this.#entries(statements.entries, [after?.chain ?? "", after?.seq ?? 0, limit])
      : this.#entries(statements.entriesOf, [chain, after?.seq ?? 0, limit]);

  latest: AuditStore["latest"] = (before, limit) =>
    this.#entries(statements.latest, [before?.at ?? LAST, before?.chain ?? "", before?.seq ?? 0, limit]);

  heads: AuditStore["heads"] = async (after, limit) => {
    const rows = await this.#calls.query(statements.heads, [after, limit]);
    return rows.map(([chain, first, seq, hash, at]) => {
      return {
        chain: String(chain),
        first: Number(first),
        seq: Number(seq),
        hash: String(hash),
        at: instant(Number(at)),
      };
    });
  };

  /** A repetition after a lost answer removes nothing that should stay, and counts only what it removes itself. */
  remove: AuditStore["remove"] = async ({ chain, seq }, limit) => {
    const [row] = await this.#calls.query(statements.remove, [chain, seq, limit]);
    return Number(row?.[0]);
  };

  async #entries(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<readonly AuditEntry[]> {
    return (await this.#calls.query(statement, values)).map(entryFrom);
  }
}

/** The records as the functions of the database take them. */
export function recordsText({ records }: AuditAppend): string {
  return JSON.stringify(records.map((record) => ({ at: record.at, text: recordText(record) })));
}

function entryFrom([chain, seq, prev, hash, text]: Cells): AuditEntry {
  return entryOf(String(chain), {
    seq: Number(seq),
    prev: String(prev),
    hash: String(hash),
    text: String(text),
  });
}
