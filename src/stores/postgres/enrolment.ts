import type { EnrolledWorker, EnrolmentKind, EnrolmentOf, EnrolmentRow } from "#domain/access/enrolment";
import type { AuditAppend } from "#ports/audit";
import type { EnrolmentStore } from "#ports/enrolment";
import { recordsText } from "./audit/audit-log.js";
import type { Calls } from "./connect/calls.js";
import type { Cell } from "./connect/connection.js";

const statements = {
  get: { name: "enrolment-get", text: "SELECT data FROM enrolment WHERE kind = $1 AND id = $2" },
  list: {
    name: "enrolment-list",
    text: "SELECT data FROM enrolment WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3",
  },
  denied: {
    name: "enrolment-denied",
    text: "SELECT data FROM enrolment WHERE denied_until > 0 AND denied_until > $1",
  },
  put: { name: "enrolment-put", text: "SELECT put_enrolment_1($1)" },
  putAudited: { name: "enrolment-put-audited", text: "SELECT put_audited_enrolment_1($1, $2, $3)" },
  removeEnded: {
    name: "enrolment-remove",
    text: `WITH old AS (SELECT kind, id FROM enrolment WHERE ends_at < $1 ORDER BY ends_at LIMIT $2
        FOR UPDATE SKIP LOCKED),
      removed AS (DELETE FROM enrolment AS e USING old WHERE e.kind = old.kind AND e.id = old.id RETURNING 1)
      SELECT count(*) FROM removed`,
  },
} as const;

/** Invitations and enrolled workers, which all nodes of a plane share. */
export class PostgresEnrolment implements EnrolmentStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async get<Kind extends EnrolmentKind>(kind: Kind, id: string): Promise<EnrolmentOf<Kind> | undefined> {
    const [row] = await this.#calls.query(statements.get, [kind, id]);
    return row && rowOf<EnrolmentOf<Kind>>(row[0]);
  }

  async list<Kind extends EnrolmentKind>(kind: Kind, after: string, limit: number) {
    const rows = await this.#calls.query(statements.list, [kind, after, limit]);
    return rows.map(([data]) => rowOf<EnrolmentOf<Kind>>(data));
  }

  async denied(now: number): Promise<readonly EnrolledWorker[]> {
    const rows = await this.#calls.query(statements.denied, [Math.floor(now)]);
    return rows.map(([data]) => rowOf<EnrolledWorker>(data));
  }

  async put(rows: readonly EnrolmentRow[], audit?: AuditAppend): Promise<boolean> {
    const given = rows.map((row) => ({
      kind: row.kind,
      id: row.id,
      revision: row.revision,
      ends_at: Math.floor(row.endsAt),
      denied_until: row.kind === "worker" ? Math.floor(row.deniedUntil) : 0,
      data: JSON.stringify(row),
    }));
    const values = [JSON.stringify(given)];
    const [answer] = audit
      ? await this.#calls.query(statements.putAudited, [...values, audit.chain, recordsText(audit)])
      : await this.#calls.query(statements.put, values);
    return answer?.[0] === true;
  }

  async removeEnded(before: number, limit: number): Promise<number> {
    const [answer] = await this.#calls.query(statements.removeEnded, [Math.floor(before), limit]);
    return Number(answer?.[0] ?? 0);
  }
}

function rowOf<Row>(data: Cell | undefined): Row {
  return JSON.parse(String(data)) as Row;
}
