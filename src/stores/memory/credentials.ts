import { endOfKey, type KeyRow } from "#domain/access/key";
import type { Instant } from "#domain/time/time";
import type { AuditAppend } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import { compare } from "./templates.js";

/** The reference implementation of what keeps API keys. */
export class MemoryCredentials implements CredentialStore {
  readonly #keys = new Map<string, KeyRow>();
  readonly #appendAudit: (append: AuditAppend) => void;
  #version = 0;
  #secret: string | undefined;

  constructor(appendAudit: (append: AuditAppend) => void) {
    this.#appendAudit = appendAudit;
  }

  async keys(): Promise<readonly KeyRow[]> {
    return [...this.#keys.values()].sort((a, b) => compare(a.id, b.id));
  }

  async version(): Promise<number> {
    return this.#version;
  }

  async putKeys(rows: readonly KeyRow[], audit?: AuditAppend): Promise<boolean> {
    const follow = rows.every(({ id, revision }) => (this.#keys.get(id)?.revision ?? 0) === revision - 1);
    if (!follow) return false;
    for (const row of rows) this.#keys.set(row.id, usedAt(row, this.#keys.get(row.id)?.lastUsedAt ?? 0));
    if (audit) this.#appendAudit(audit);
    this.#version += 1;
    return true;
  }

  async noteUses(uses: ReadonlyMap<string, Instant>): Promise<void> {
    for (const [id, at] of uses) {
      const row = this.#keys.get(id);
      if (row) this.#keys.set(id, usedAt(row, at));
    }
  }

  async removeEnded(before: Instant, limit: number): Promise<number> {
    const ended = [...this.#keys.values()].filter((row) => endOfKey(row) < before).slice(0, limit);
    for (const { id } of ended) this.#keys.delete(id);
    if (ended.length > 0) this.#version += 1;
    return ended.length;
  }

  async sharedSecret(drawn: string): Promise<string> {
    this.#secret ??= drawn;
    return this.#secret;
  }
}

/** The key as it is if it was used at that instant, too. */
function usedAt(row: KeyRow, at: number): KeyRow {
  return at > row.lastUsedAt ? { ...row, lastUsedAt: at } : row;
}
