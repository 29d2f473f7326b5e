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
  /** `sha256:` and the SHA-256 of the root's public key in hex. */
  readonly pin: string;
  /** The root, as PEM. */
  readonly root: string;
  /** The certificates between a worker's and the root, as PEM. */
  readonly chain: string;
  /**
   * Reads a request, and checks that its sender has the key. What else it asks for is ignored.
   *
   * @throws {Fault} `invalid`, reason `CSR_INVALID`
   */
  check(csr: string): Promise<CheckedCsr>;
  /** Signs. @param life from now on */
  issue(csr: CheckedCsr, worker: WorkerName, life: Millis): Promise<IssuedCertificate>;
}
