import { endOfKey, type KeyRow } from "#domain/access/key";
import type { Instant } from "#domain/time/time";
import type { AuditAppend } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import { recordsText } from "./audit/audit-log.js";
import type { Calls } from "./connect/calls.js";
import type { Cells } from "./connect/connection.js";

const statements = {
  keys: { name: "api-keys", text: "SELECT data, last_used_at FROM api_keys ORDER BY id" },
  version: { name: "api-keys-version", text: "SELECT keys_version FROM plane" },
  put: { name: "put-api-keys", text: "SELECT put_api_keys_1($1::json)" },
  putAudited: { name: "put-audited-api-keys", text: "SELECT put_audited_api_keys_1($1::json, $2, $3::json)" },
  // Locked in one order, so that servers that write at the same time do not wait for each other.
  noteUses: {
    name: "note-key-uses",
    text: `WITH used AS (
        SELECT k.id, w.at FROM json_to_recordset($1::json) AS w(id text, at bigint)
        JOIN api_keys AS k ON k.id = w.id AND k.last_used_at < w.at ORDER BY k.id FOR NO KEY UPDATE OF k)
      UPDATE api_keys AS k SET last_used_at = used.at FROM used WHERE k.id = used.id AND k.last_used_at < used.at`,
  },
  removeEnded: { name: "remove-api-keys", text: "SELECT remove_api_keys_1($1, $2)" },
  secret: { name: "shared-secret", text: "UPDATE plane SET secret = coalesce(secret, $1) RETURNING secret" },
} as const;

/** API keys in a schema. Each change is one statement, which comes to the same if it is repeated. */
export class PostgresCredentials implements CredentialStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async keys(): Promise<readonly KeyRow[]> {
    return (await this.#calls.query(statements.keys)).map(keyFrom);
  }

  async version(): Promise<number> {
    return Number(only(await this.#calls.query(statements.version)));
  }

  async putKeys(rows: readonly KeyRow[], audit?: AuditAppend): Promise<boolean> {
    const put = rows.map(({ lastUsedAt, ...row }) => ({
      ...{ id: row.id, revision: row.revision, data: JSON.stringify(row) },
      ...{ ends_at: endOfKey(row), last_used_at: lastUsedAt },
    }));
    const values = [JSON.stringify(put)];
    const answer = audit
      ? await this.#calls.query(statements.putAudited, [...values, audit.chain, recordsText(audit)])
      : await this.#calls.query(statements.put, values);
    return only(answer) === true;
  }

  async noteUses(uses: ReadonlyMap<string, Instant>): Promise<void> {
    if (uses.size === 0) return;
    const used = [...uses].map(([id, at]) => ({ id, at }));
    await this.#calls.query(statements.noteUses, [JSON.stringify(used)]);
  }

  async removeEnded(before: Instant, limit: number): Promise<number> {
    return Number(only(await this.#calls.query(statements.removeEnded, [before, limit])));
  }

  async sharedSecret(drawn: string): Promise<string> {
    return String(only(await this.#calls.query(statements.secret, [drawn])));
  }
}

function keyFrom([data, lastUsedAt]: Cells): KeyRow {
  return { ...JSON.parse(String(data)), lastUsedAt: Number(lastUsedAt) };
}

function only([row]: readonly Cells[]): Cells[number] | undefined {
  return row?.[0];
}
