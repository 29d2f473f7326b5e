import type { AuthorityRow, TrustedRoot } from "#domain/access/authority";
import type { WorkerName } from "#domain/access/spiffe";
import type { Instant, Millis } from "#domain/time/time";

/** A request for a certificate (PKCS#10) whose sender has the key: all of it that counts. */
export interface CheckedCsr {
  /** The public key, as SPKI in DER. */
  readonly spki: Uint8Array;
  /** SHA-256 of it, in hex. */
  readonly spkiHash: string;
}

/** A certificate that was signed for a worker. */
export interface IssuedCertificate {
  /** As PEM. */
  readonly cert: string;
  /** In hex, lower case, without leading zeros. */
  readonly serial: string;
  readonly notAfter: Instant;
  /** The certificates between it and its root, as PEM. */
  readonly chain: string;
  /** The roots that its worker is to trust, as PEM. */
  readonly bundle: string;
  /** The pin of the root above it. */
  readonly root: string;
  /** What the authority followed when it signed; undefined if it was never rotated. */
  readonly under: AuthorityRow | undefined;
}

/**
 * Signs certificates of workers. The keys are its own; nothing of them is in a store.
 *
 * @example
 * ```ts
 * import type { WorkerAuthority } from "taskrun/ports/authority";
 *
 * function pinOf(authority: WorkerAuthority): string {
 *   return authority.pin; // what workers are given
 * }
 * ```
 */
export interface WorkerAuthority {
  /** `sha256:` and the SHA-256 of the public key of the root that servers show, in hex. */
  readonly pin: string;
  /** The roots that are trusted, as PEM. */
  readonly bundle: string;
  /** Until when what it has lasts. */
  readonly ends: readonly { readonly which: "root" | "next" | "issuing"; readonly endsAt: Instant }[];
  /**
   * Reads a request, and checks that its sender has the key. What else it asks for is ignored.
   *
   * @throws {Fault} `invalid`, reason `CSR_INVALID`
   */
  check(csr: string): Promise<CheckedCsr>;
  /** Signs. @param life from now on */
  issue(csr: CheckedCsr, worker: WorkerName, life: Millis): Promise<IssuedCertificate>;
}

/**
 * An authority in whose place another one may come. It has the keys; how far the rotation is, which all servers of a plane must
 * know alike, is in their store.
 *
 * @example
 * ```ts
 * import type { RotatingAuthority } from "taskrun/ports/authority";
 *
 * function isReady(authority: RotatingAuthority): boolean {
 *   return authority.problem === "";
 * }
 * ```
 */
export interface RotatingAuthority extends WorkerAuthority {
  /** Why it cannot do its part in the phase that it follows; empty if it can. */
  readonly problem: string;
  /** The root in its files that is in use. */
  readonly own: TrustedRoot;
  /** Makes the root that is to come, or finds the one that it has made. Nothing trusts it yet. */
  prepare(): Promise<TrustedRoot>;
  /** Trusts, signs and serves from now on as the row says. What a rotation has given up is removed, keys first. */
  follow(row: AuthorityRow | undefined): Promise<void>;
}
