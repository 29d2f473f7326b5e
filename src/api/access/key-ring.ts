import { type KeyRow, principalOf } from "#domain/access/key";
import { covers, type Role } from "#domain/access/scopes";
import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { type Instant, instant, type Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { CredentialStore } from "#ports/credentials";
import { isSecret, makeKey, readKey } from "./key-text.js";

/** What is said of a new key. */
export interface NewKeyTerms {
  readonly name: string;
  readonly role: Role;
  readonly namespaces: readonly string[] | "*";
  readonly ttl: Millis;
}

/** A new key, and its text, which is shown once. */
export interface MadeKey {
  readonly row: KeyRow;
  readonly text: string;
}

/** A secret that is nobody's: what is unknown is compared too, so that it takes as long. */
const NOBODY = "0".repeat(64);

/** All API keys, at hand: who calls is found without reading the store. */
export class KeyRing {
  readonly #store: CredentialStore;
  readonly #now: () => Instant;
  readonly #keys = new Map<string, KeyRow>();
  /** Ids of keys whose last use is not written yet. */
  readonly #used = new Map<string, number>();

  constructor(store: CredentialStore, now: () => Instant) {
    this.#store = store;
    this.#now = now;
  }

  /** Reads all keys again. */
  async load(): Promise<void> {
    const rows = await this.#store.keys();
    this.#keys.clear();
    for (const row of rows) this.#keys.set(row.id, row);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @throws {Fault} `unauthenticated`, in the same words for a key that is unknown and for a secret that is wrong */
  callerOf(text: string): Caller {
    const parts = readKey(text);
    const row = parts && this.#keys.get(parts.id);
    const isRight = isSecret(parts?.secret ?? "", row?.hash ?? NOBODY);
    if (!row || !isRight) throw notValid();
    const now = this.#now();
    if (row.revokedAt > 0) throw ended("was revoked", "CREDENTIAL_REVOKED");
    if (now >= row.expiresAt) throw ended("has expired", "CREDENTIAL_EXPIRED");
    if (now - Math.max(row.lastUsedAt, this.#used.get(row.id) ?? 0) >= limits.keyUseNoted) {
      this.#used.set(row.id, now);
    }
    return { principal: principalOf(row), namespaces: row.namespaces, roles: [row.role] };
  }

  /** Writes when keys were used last. Never rejects: it is for people. */
  async noteUses(): Promise<void> {
    for (const [id, at] of this.#used) {
      this.#used.delete(id);
      const row = this.#keys.get(id);
      if (row) await this.#put({ ...row, lastUsedAt: at, revision: row.revision + 1 }).catch(() => undefined);
    }
  }

  /** The keys that the caller may see: those whose namespaces are all its own. */
  visibleTo(caller: Caller): readonly KeyRow[] {
    return [...this.#keys.values()].filter((row) => isWithin(caller, row.namespaces)).sort(newestFirst);
  }

  /**
   * @param before is given the text before the key can be used: were it told afterwards, a crash could leave a key that
   *   nobody has
   * @throws {Fault} `denied` for a key that could do more than who makes it; `overloaded` if there are too many
   */
  async make(
    caller: Caller,
    terms: NewKeyTerms,
    before: (text: string) => Promise<void> = async () => {},
  ): Promise<MadeKey> {
    if (!covers(caller.roles, terms.role)) throw tooMuch("role", `a key of role ${terms.role}`);
    if (!isWithin(caller, terms.namespaces)) throw tooMuch("namespaces", "a key for these namespaces");
    if (this.#keys.size >= limits.keys) {
      throw new Fault(
        "overloaded",
        `there are ${limits.keys} keys, as many as may be: revoked ones count until they are removed.`,
        {
          reason: "TOO_MANY_KEYS",
        },
      );
    }
    const { id, text, hash } = makeKey();
    const now = this.#now();
    const { name, role, namespaces, ttl } = terms;
    const row: KeyRow = {
      ...{ id, revision: 1, name, role, namespaces, hash },
      ...{ createdAt: now, createdBy: caller.principal, expiresAt: instant(now + ttl) },
      ...{ revokedAt: 0, lastUsedAt: 0 },
    };
    await before(text);
    await this.#put(row);
    return { row, text };
  }

  /** A new key in the place of another, which ends after `overlap`. */
  async rotate(caller: Caller, id: string, overlap: Millis): Promise<MadeKey> {
    const old = this.#visible(caller, id);
    const now = this.#now();
    if (old.revokedAt > 0 || now >= old.expiresAt) {
      throw new Fault("wrong_state", `key ${id} has ended: create a new one.`, { reason: "KEY_ENDED" });
    }
    const { name, role, namespaces, expiresAt, createdAt } = old;
    const made = await this.make(caller, { name, role, namespaces, ttl: (expiresAt - createdAt) as Millis });
    const ends = Math.min(old.expiresAt, now + overlap);
    await this.#put({ ...old, expiresAt: instant(ends), revision: old.revision + 1 });
    return made;
  }

  /** Idempotent. */
  async revoke(caller: Caller, id: string): Promise<KeyRow> {
    const row = this.#visible(caller, id);
    if (row.revokedAt > 0) return row;
    const revoked = { ...row, revokedAt: this.#now(), revision: row.revision + 1 };
    await this.#put(revoked);
    return revoked;
  }

  #visible(caller: Caller, id: string): KeyRow {
    const row = this.#keys.get(id);
    if (row && isWithin(caller, row.namespaces)) return row;
    throw new Fault("not_found", `Key not found: ${id}`, { reason: "KEY_NOT_FOUND" });
  }

  async #put(row: KeyRow): Promise<void> {
    if (!(await this.#store.putKey(row))) {
      await this.load();
      throw new Fault("unavailable", `key ${row.id} was changed at the same time: try again.`, {
        reason: "KEY_CHANGED",
      });
    }
    this.#keys.set(row.id, row);
  }
}

function isWithin(caller: Caller, namespaces: readonly string[] | "*"): boolean {
  if (namespaces === "*") return caller.namespaces === "*";
  return namespaces.every((namespace) => mayUse(caller, namespace));
}

function newestFirst(a: KeyRow, b: KeyRow): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);
}

function notValid(): Fault {
  const message =
    "the credential is not valid: send an API key as x-api-key, or as authorization: Bearer KEY.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_INVALID" });
}

function ended(how: string, reason: string): Fault {
  return new Fault("unauthenticated", `the API key ${how}: use another one.`, { reason });
}

function tooMuch(field: string, what: string): Fault {
  return new Fault("denied", `${what} may do more than yours: ask for no more than you may do.`, {
    field,
    reason: "BEYOND_YOURS",
  });
}
