import type { KeyRow } from "#domain/access/key";
import type { Instant } from "#domain/time/time";
import type { AuditAppend } from "./audit.js";

export type { KeyRow } from "#domain/access/key";

/**
 * Where API keys are kept: part of a store that can keep them. `testing/store-suite` tests the contract.
 *
 * @example
 * ```ts
 * import type { CredentialStore } from "taskrun/ports/credentials";
 *
 * async function namesOf(credentials: CredentialStore): Promise<string[]> {
 *   return (await credentials.keys()).map(({ name }) => name);
 * }
 * ```
 */
export interface CredentialStore {
  /** All keys by id, also revoked and expired ones. */
  keys(): Promise<readonly KeyRow[]>;

  /**
   * A number that is another one after each `putKeys` and `removeEnded` that has changed something, of whichever process. Asked
   * before `keys`, it tells later whether they have to be read again.
   */
  version(): Promise<number>;

  /**
   * Writes keys, durably, all or none of them. `lastUsedAt` is never moved back.
   *
   * @param audit what the audit log says of it, written in the same transaction
   * @returns false if the revision of one is not one more than what is there, or 1 for a new one; then nothing is written
   */
  putKeys(rows: readonly KeyRow[], audit?: AuditAppend): Promise<boolean>;

  /** Writes when keys were used last, by their ids; an earlier instant than what is there, or an unknown id, changes nothing. */
  noteUses(uses: ReadonlyMap<string, Instant>): Promise<void>;

  /**
   * Removes at most `limit` keys that were revoked, or had expired, before an instant.
   *
   * @returns how many there were
   */
  removeEnded(before: Instant, limit: number): Promise<number>;

  /**
   * A secret that all processes have in common that have the store open at the same time.
   *
   * @param drawn is kept if there is none yet
   */
  sharedSecret(drawn: string): Promise<string>;
}
