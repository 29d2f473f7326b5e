import { endOfKey, type KeyRow } from "#domain/access/key";
import type { Changes } from "./rows/changes.js";
import { apiKeyFrom, apiKeyValues } from "./rows/rows.js";
import type { boots, Prepared, writes } from "./rows/statements.js";

type Statements = Prepared<Pick<typeof boots, "apiKeys"> & Pick<typeof writes, "apiKey">>;

/** The rows of API keys. What changes them is called within a transaction. */
export class ApiKeyRows {
  readonly #sql: Statements;
  readonly #changes: Pick<Changes, "putApiKey" | "removeApiKey">;

  constructor(sql: Statements, changes: Pick<Changes, "putApiKey" | "removeApiKey">) {
    this.#sql = sql;
    this.#changes = changes;
  }

  all(): readonly KeyRow[] {
    return this.#sql.apiKeys.all([]).map(apiKeyFrom);
  }

  /** True if each row is of the revision after the one that is there. */
  follow(rows: readonly KeyRow[]): boolean {
    return rows.every(({ id, revision }) => (this.#row(id)?.revision ?? 0) === revision - 1);
  }

  put(rows: readonly KeyRow[]): void {
    for (const row of rows) {
      const lastUsedAt = Math.max(row.lastUsedAt, this.#row(row.id)?.lastUsedAt ?? 0);
      this.#changes.putApiKey(apiKeyValues({ ...row, lastUsedAt }));
    }
  }

  /** The keys that were used later than is written, as they are to be written. */
  used(uses: readonly (readonly [string, number])[]): readonly KeyRow[] {
    return uses.flatMap(([id, lastUsedAt]) => {
      const row = this.#row(id);
      return row && row.lastUsedAt < lastUsedAt ? [{ ...row, lastUsedAt }] : [];
    });
  }

  /** Ids of keys that ended before an instant. */
  ended(before: number, limit: number): readonly string[] {
    const ended = this.all().filter((row) => endOfKey(row) < before);
    return ended.slice(0, limit).map(({ id }) => id);
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#changes.removeApiKey(id);
  }

  #row(id: string): KeyRow | undefined {
    const [found] = this.#sql.apiKey.all([id]);
    return found && apiKeyFrom(found);
  }
}
