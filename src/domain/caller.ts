import type { WorkerName } from "./access/spiffe.js";
import type { Instant } from "./time/time.js";

/** What a verified certificate says of a worker. */
export interface WorkerCredential {
  readonly worker: WorkerName;
  /** In hex, lower case. */
  readonly serial: string;
  readonly notAfter: Instant;
}

/** What a verified certificate says of a client that is no worker. */
export interface ClientCredential {
  readonly client: string;
  /** In hex, lower case. */
  readonly serial: string;
  readonly notAfter: Instant;
}

export type CertificateCredential = WorkerCredential | ClientCredential;

/** The identity of a caller. Part of every request; its principal is stored in rows that belong to it. */
export interface Caller {
  readonly principal: string;
  /** The namespaces the caller may name; `"*"` is all of them. */
  readonly namespaces: readonly string[] | "*";
  readonly roles: readonly string[];
  /** Names the credential that it has shown, which may end before others of the same principal. Absent if there is none. */
  readonly credential?: string;
  /** When its credential ends, and with it the streams that it has opened; absent if they outlast it. */
  readonly expiresAt?: Instant;
  /** The worker's certificate by which it is known; absent for every other caller. */
  readonly certificate?: WorkerCredential;
}

/** The caller of every request when there is no authentication. */
export const LOCAL_CALLER: Caller = { principal: "local", namespaces: "*", roles: ["admin"] };

export const DEFAULT_NAMESPACE = "default";

/** True if the caller may act in the namespace. Others must appear to it as if they did not exist. */
export function mayUse(caller: Caller, namespace: string): boolean {
  return caller.namespaces === "*" || caller.namespaces.includes(namespace);
}

/** True if the caller may direct the workers of every principal. */
export function directsAll({ namespaces, roles }: Caller): boolean {
  return namespaces === "*" && roles.includes("admin");
}

/** The namespace of a request that names none. */
export function ownNamespace({ namespaces }: Caller): string {
  return (namespaces === "*" ? undefined : namespaces[0]) ?? DEFAULT_NAMESPACE;
}
