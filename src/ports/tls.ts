/**
 * A certificate and its key, as PEM.
 *
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import type { TlsIdentity } from "taskrun/ports/tls";
 *
 * const identity: TlsIdentity = { cert: readFileSync("server.pem", "utf8"), key: readFileSync("server.key", "utf8") };
 * ```
 */
export interface TlsIdentity {
  /** The certificate, then those that lead to its root. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of the certificates of workers, as PEM. Without these, and `callerCa`, nobody is asked for a certificate. */
  readonly clientCa?: string;
  /**
   * Authorities of the certificates of clients that are no workers, as PEM: a path apart, for which `clientCa` does not count, nor the
   * other way round.
   */
  readonly callerCa?: string;
}

/**
 * The identity of a server, which may change while it serves: connections that are made later have the new one, and those
 * that are open stay as they are.
 *
 * @example
 * ```ts
 * import type { TlsIdentity, TlsSource } from "taskrun/ports/tls";
 *
 * function fixed(identity: TlsIdentity): TlsSource {
 *   return { identity, onChange: () => {} };
 * }
 * ```
 */
export interface TlsSource {
  /** The identity of now. */
  readonly identity: TlsIdentity;
  /** Has a function called after each change. */
  onChange(changed: (identity: TlsIdentity) => void): void;
}
