import type { Instant } from "../time/time.js";

/** An API key, without its secret: whoever reads the store cannot use one. */
export interface KeyRow {
  /** The middle part of the key; it is the caller's principal, with `key:` before it. */
  readonly id: string;
  readonly revision: number;
  /** The id of the first of the keys that have replaced each other, this one being the last; absent if it is the first. */
  readonly first?: string;
  /** For people. */
  readonly name: string;
  /** A server whose configuration does not have it any more refuses the key. */
  readonly role: string;
  /** `"*"` is all. */
  readonly namespaces: readonly string[] | "*";
  /** SHA-256 of the secret, in hex. It has 256 random bits, so that a slow hash would gain nothing. */
  readonly hash: string;
  readonly createdAt: Instant;
  /** The principal that has made it. */
  readonly createdBy: string;
  readonly expiresAt: Instant;
  /** 0 if it is not revoked. */
  readonly revokedAt: number;
  /** To the minute; 0 if it was never used. */
  readonly lastUsedAt: number;
}

/** The principal of a key: a key in the place of another one is the same caller. */
export function principalOf({ id, first = id }: Pick<KeyRow, "id" | "first">): string {
  return `key:${first}`;
}

/** Names a key as a caller's credential. */
export function credentialOf({ id }: Pick<KeyRow, "id">): string {
  return `key:${id}`;
}

/** From when on the key is refused. */
export function endOfKey({ revokedAt, expiresAt }: Pick<KeyRow, "revokedAt" | "expiresAt">): Instant {
  return revokedAt > 0 && revokedAt < expiresAt ? (revokedAt as Instant) : expiresAt;
}
