import type { KeyRow } from "#domain/access/key";

export type { KeyRow } from "#domain/access/key";

/**
 * Where API keys are kept: part of a store that can keep them.
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
  /** All keys, also revoked and expired ones. */
  keys(): Promise<readonly KeyRow[]>;
  /**
   * Writes a key, durably.
   *
   * @returns false if its revision is not one more than what is there, or 1 for a new one; then nothing is written
   */
  putKey(row: KeyRow): Promise<boolean>;
}
