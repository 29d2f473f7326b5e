import { credentialOf, endOfKey, type KeyRow, principalOf } from "#domain/access/key";
import { RoleTable } from "#domain/access/roles";
import { type Caller, mayUse } from "#domain/caller";
import type { Fault } from "#domain/fault";
import { earliest, type Instant, instant, later, type Millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import { type KeyChange, keyRecord } from "./key-record.js";
import {
  endedFault,
  keyHasEnded,
  keyHasMoved,
  keyNotFound,
  notConfirmed,
  notValid,
  tooManyKeys,
  tooMuch,
} from "./key-refusals.js";
import { isSecret, makeKey, readKey } from "./key-text.js";
import { noSuchRole } from "./refusals.js";

/** What is said of a new key. */
export interface NewKeyTerms {
  readonly name: string;
  readonly role: string;
  readonly namespaces: readonly string[] | "*";
  readonly ttl: Millis;
}

/** A new key, and its text, which is shown once. */
export interface MadeKey {
  readonly row: KeyRow;
  readonly text: string;
}

export interface KeyRingParts {
  readonly store: CredentialStore;
  readonly now: () => Instant;
  /** True if other servers change the keys of the store, too: then {@link KeyRing.refresh} must be called again and again. */
  readonly isShared?: boolean;
  /** Called after each change of this server, for the others. */
  readonly changed?: () => void;
  /** Where is written what happens to keys, and that one was refused; absent if there is no audit log. */
  readonly audit?: AuditTrail | undefined;
  /** Those of the server. Default: the built-in ones. */
  readonly roles?: RoleTable;
}

/** A secret that is nobody's: what is unknown is compared too, so that it takes as long. */
const NOBODY = "0".repeat(64);

/** All API keys, at hand: who calls is found without reading the store. */
export class KeyRing {
  readonly #parts: KeyRingParts;
  readonly #roles: RoleTable;
  #keys: ReadonlyMap<string, KeyRow> = new Map();
  #version: number | undefined;
  /** Counts what this server has written. */
  #written = 0;
  /** When the store was asked that has confirmed them last. */
  #confirmedAt: Instant = NEVER;
  /** When keys were last used, of which it is not written yet. */
  readonly #used = new Map<string, Instant>();
  readonly #listeners = new Set<() => void>();

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
    this.#roles = parts.roles ?? new RoleTable();
  }

  /** Reads all keys again. */
  async load(): Promise<void> {
    const { store, now } = this.#parts;
    for (;;) {
      const [askedAt, written] = [now(), this.#written];
      // Asked first: a key that is written in between is read twice, and none is missed.
      const version = await store.version();
      const rows = await store.keys();
      // What this server has written meanwhile may not be among them.
      if (written !== this.#written) continue;
      this.#replace(new Map(rows.map((row) => [row.id, row])));
      this.#version = version;
      this.#confirmedAt = askedAt;
      return;
    }
  }

  /** Reads what other servers have changed. */
  async refresh(): Promise<void> {
    const { store, now } = this.#parts;
    const askedAt = now();
    if ((await store.version()) !== this.#version) await this.load();
    else this.#confirmedAt = askedAt;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** When the next key expires that has not ended; undefined if there is none. */
  get nextEnd(): Instant | undefined {
    const now = this.#parts.now();
    let next: Instant | undefined;
    for (const row of this.#keys.values()) {
      const end = endOfKey(row);
      if (end > now) next = earliest(next, end);
    }
    return next;
  }

  /** Calls `listener` whenever a key may have ended. It must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Call when a key has expired. */
  announce(): void {
    for (const listener of this.#listeners) listener();
  }

  /**
   * @throws {Fault} `unauthenticated`, in the same words for a key that is unknown and for a secret that is wrong;
   *   `unavailable` while the store does not confirm the keys
   */
  callerOf(text: string): Caller {
    const parts = readKey(text);
    const row = parts && this.#keys.get(parts.id);
    const isRight = isSecret(parts?.secret ?? "", row?.hash ?? NOBODY);
    const now = this.#parts.now();
    if (!this.#isConfirmed(now)) throw notConfirmed();
    if (!row || !isRight) throw this.#refused(notValid(), row);
    const ended = endedFault(row, now);
    if (ended) throw this.#refused(ended, row);
    if (now - Math.max(row.lastUsedAt, this.#used.get(row.id) ?? 0) >= limits.keyUseNoted) {
      this.#used.set(row.id, now);
    }
    const { namespaces, role } = row;
    return { principal: principalOf(row), namespaces, roles: [role], credential: credentialOf(row) };
  }

  /** Why the key of this caller counts no longer; undefined while it does, and of a caller without one. */
  endOf({ credential = "" }: Pick<Caller, "credential">): Fault | undefined {
    if (!credential.startsWith("key:")) return undefined;
    const row = this.#keys.get(credential.slice("key:".length));
    return row ? endedFault(row, this.#parts.now()) : notValid();
  }

  /** @throws {Fault} if the caller's key counts no longer, or is not confirmed by the store */
  requireLive(caller: Pick<Caller, "credential">): void {
    if (!this.#isConfirmed(this.#parts.now())) throw notConfirmed();
    const ended = this.endOf(caller);
    if (ended) throw ended;
  }

  /** Writes when keys were used last, all at once. Never rejects: what is not written now is written the next time. */
  async noteUses(): Promise<void> {
    if (this.#used.size === 0) return;
    const uses = new Map(this.#used);
    try {
      await this.#parts.store.noteUses(uses);
    } catch {
      return;
    }
    const keys = new Map(this.#keys);
    for (const [id, at] of uses) {
      if (this.#used.get(id) === at) this.#used.delete(id);
      const row = keys.get(id);
      if (row && row.lastUsedAt < at) keys.set(id, { ...row, lastUsedAt: at });
    }
    this.#keys = keys;
  }

  /** The keys that the caller may see: those whose namespaces are all its own. As the store has them, with their last use. */
  async visibleTo(caller: Caller): Promise<readonly KeyRow[]> {
    await this.noteUses();
    const rows = await this.#parts.store.keys();
    return rows.filter((row) => isWithin(caller, row.namespaces)).sort(newestFirst);
  }

  /**
   * @param before is given the text before the key can be used: were it told afterwards, a crash could leave a key that
   *   nobody has
   * @throws {Fault} `invalid` for a role that there is not; `denied` for a key that could do more than who makes it;
   *   `overloaded` if there are too many
   */
  async make(
    caller: Caller,
    terms: NewKeyTerms,
    before: (text: string) => Promise<void> = async () => {},
  ): Promise<MadeKey> {
    const made = this.#draw(caller, terms);
    await before(made.text);
    await this.#put([made.row], { action: "key.create", caller });
    return made;
  }

  /** A new key in the place of another, which ends after `overlap`; both or none are written. */
  async rotate(caller: Caller, id: string, overlap: Millis): Promise<MadeKey> {
    const old = this.#visible(caller, id);
    const now = this.#parts.now();
    if (now >= endOfKey(old)) throw keyHasEnded(id);
    const { name, role, namespaces, expiresAt, createdAt } = old;
    const ttl = (expiresAt - createdAt) as Millis;
    const made = this.#draw(caller, { name, role, namespaces, ttl }, old);
    const ends = instant(Math.min(old.expiresAt, later(now, overlap)));
    const shortened = { ...old, expiresAt: ends, revision: old.revision + 1 };
    await this.#put([made.row, shortened], { action: "key.rotate", caller, replaces: old });
    return made;
  }

  /** Idempotent. */
  async revoke(caller: Caller, id: string): Promise<KeyRow> {
    const row = this.#visible(caller, id);
    if (row.revokedAt > 0) return row;
    const revoked = { ...row, revokedAt: this.#parts.now(), revision: row.revision + 1 };
    await this.#put([revoked], { action: "key.revoke", caller });
    return revoked;
  }

  /** Removes keys that ended longer ago than `age`, a bounded number. @returns how many */
  async removeEnded(age: Millis): Promise<number> {
    const { store, now, changed } = this.#parts;
    const before = instant(Math.max(0, now() - age));
    let count = 0;
    for (let batch = 0; batch < limits.keysRemovedBatches; batch++) {
      const removed = await store.removeEnded(before, limits.keysRemoved);
      count += removed;
      if (removed < limits.keysRemoved) break;
    }
    if (count > 0) {
      await this.load();
      changed?.();
    }
    return count;
  }

  #draw(caller: Caller, { name, role, namespaces, ttl }: NewKeyTerms, replaces?: KeyRow): MadeKey {
    if (!this.#roles.has(role)) throw noSuchRole(role, this.#roles.names);
    if (!this.#roles.covers(caller.roles, role)) throw tooMuch("role", `a key of role ${role}`);
    if (!isWithin(caller, namespaces)) throw tooMuch("namespaces", "a key for these namespaces");
    if (this.#keys.size >= limits.keys) throw tooManyKeys();
    const { id, text, hash } = makeKey();
    const now = this.#parts.now();
    const row: KeyRow = {
      ...(replaces && { first: replaces.first ?? replaces.id }),
      ...{ id, revision: 1, name, role, namespaces, hash },
      ...{ createdAt: now, createdBy: caller.principal, expiresAt: later(now, ttl) },
      ...{ revokedAt: 0, lastUsedAt: 0 },
    };
    return { row, text };
  }

  #visible(caller: Caller, id: string): KeyRow {
    const row = this.#keys.get(id);
    if (row && isWithin(caller, row.namespaces)) return row;
    throw keyNotFound(id);
  }

  /** Counts a credential that was refused. Who shows the id of a key may be anybody. */
  #refused(fault: Fault, row: KeyRow | undefined): Fault {
    const object = row ? `key ${row.id}` : "an unknown key";
    const detail = fault.reason ?? "";
    this.#parts.audit?.refused({ actor: "anonymous", action: "key.use", object, detail });
    return fault;
  }

  /** @param change what is done to the first of the rows, for the audit log */
  async #put(rows: readonly [KeyRow, ...KeyRow[]], change: KeyChange): Promise<void> {
    const { store, now, changed, audit } = this.#parts;
    const append = audit && { chain: audit.chain, records: [keyRecord(rows[0], change, now())] };
    if (!(await store.putKeys(rows, append))) {
      await this.load();
      throw keyHasMoved(rows.at(-1)?.id ?? "");
    }
    this.#written += 1;
    this.#replace(new Map([...this.#keys, ...rows.map((row) => [row.id, row] as const)]));
    if (append) audit?.committed(append.records.length);
    changed?.();
  }

  #replace(keys: ReadonlyMap<string, KeyRow>): void {
    this.#keys = keys;
    for (const id of this.#used.keys()) if (!keys.has(id)) this.#used.delete(id);
    this.announce();
  }

  #isConfirmed(now: Instant): boolean {
    return !this.#parts.isShared || now - this.#confirmedAt < limits.keysTrusted;
  }
}

function isWithin(caller: Caller, namespaces: readonly string[] | "*"): boolean {
  if (namespaces === "*") return caller.namespaces === "*";
  return namespaces.every((namespace) => mayUse(caller, namespace));
}

function newestFirst(a: KeyRow, b: KeyRow): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);
}
