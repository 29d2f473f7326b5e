import type { Labels } from "../task/task.js";
import type { Instant } from "../time/time.js";
import type { AuthorityNode, AuthorityRow } from "./authority.js";
import type { WorkerName } from "./spiffe.js";

/*
 * The rows of enrolment: what makes a program a worker with a name. None of them has a secret in it: of tokens there are hashes, and
 * keys of workers never leave them.
 */

interface Ending {
  /** Grows by one with every change; 1 for a new row. */
  readonly revision: number;
  /** From when on the row means nothing any more. */
  readonly endsAt: Instant;
}

/** What an operator has allowed a worker. */
export interface WorkerTerms {
  /** Namespaces that it works for; `"*"` is all. */
  readonly namespaces: readonly string[] | "*";
  readonly labels: Labels;
  /** Names of the agents that it may run; empty for any. */
  readonly agents: readonly string[];
}

/** The one certificate that was signed for a token, for a worker that has lost the answer. */
export interface TokenUse {
  readonly at: Instant;
  /** SHA-256 of the public key, in hex. */
  readonly spkiHash: string;
  /** The certificate, and those that lead to the root, as PEM. */
  readonly cert: string;
  readonly chain: string;
  /** The roots that it was given; absent in rows of servers that knew of one only. */
  readonly bundle?: string;
}

/** An invitation: whoever has its token becomes the worker, once. */
export interface TokenRow extends Ending, WorkerTerms {
  readonly kind: "token";
  /** The middle part of the token. */
  readonly id: string;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
  readonly worker: WorkerName;
  readonly createdAt: Instant;
  /** The principal that has made it. */
  readonly createdBy: string;
  readonly used?: TokenUse;
}

/** A certificate of a worker. */
export interface WorkerCertificate {
  readonly serial: string;
  readonly spkiHash: string;
  readonly notAfter: Instant;
  /** The pin of the root above it; absent if it was signed before the authority was first rotated, as the next one. */
  readonly root?: string;
  /** The version of the authority under which it was signed, and whose roots came with it. */
  readonly version?: number;
}

/** A worker that was enrolled. */
export interface EnrolledWorker extends Ending, WorkerTerms {
  readonly kind: "worker";
  /** Namespace and name, as {@link enrolledId} joins them. */
  readonly id: string;
  readonly worker: WorkerName;
  readonly enrolledAt: Instant;
  readonly invitedBy: string;
  /** Those that count, the newest last: any other one is refused. */
  readonly certificates: readonly WorkerCertificate[];
  /** Those that were revoked and have not ended. */
  readonly revoked: readonly Pick<WorkerCertificate, "serial" | "notAfter">[];
  /** 0 if it is not revoked. */
  readonly revokedAt: number;
  /** When the last of `revoked` ends; 0 if there are none. */
  readonly deniedUntil: number;
  /** The greatest version of a certificate that it has shown: it has kept that one, and the roots that came with it. */
  readonly acknowledged?: number;
}

/** A key that has a certificate: no other worker may have it. */
export interface CertifiedKey extends Ending {
  readonly kind: "key";
  /** SHA-256 of the public key, in hex. */
  readonly id: string;
  /** The worker, by its row's id. */
  readonly worker: string;
  readonly isRevoked: boolean;
}

export type EnrolmentRow = TokenRow | EnrolledWorker | CertifiedKey | AuthorityRow | AuthorityNode;
export type EnrolmentKind = EnrolmentRow["kind"];

/** The row of a kind. */
export type EnrolmentOf<Kind extends EnrolmentKind> = Extract<EnrolmentRow, { readonly kind: Kind }>;

export function enrolledId({ namespace, name }: WorkerName): string {
  return `${namespace}/${name}`;
}
