import type { Instant } from "../time/time.js";

/*
 * The rotation of a plane's authority: another root is trusted beside the one in use, then signs, then serves, and at last is the only one.
 * Every key stays in the files of the servers; what is kept of it in a store are certificates, which are public.
 */

/**
 * Where a rotation stands. `standby`: one root. `init`: another root is trusted too, and signs nothing. `update_clients`: it signs for
 * workers. `update_servers`: servers show its certificates. `rollback`: the root of before signs and serves, and the other is trusted
 * still. From the last two it goes on to `standby`, with one root again.
 */
export const authorityPhases = ["standby", "init", "update_clients", "update_servers", "rollback"] as const;
export type AuthorityPhase = (typeof authorityPhases)[number];

/** A root, as far as everybody may know it. */
export interface TrustedRoot {
  /** `sha256:` and the SHA-256 of its public key in hex. */
  readonly pin: string;
  /** As PEM. */
  readonly cert: string;
  readonly endsAt: Instant;
}

/** The one row of a plane's authority; a plane that was never rotated has none. */
export interface AuthorityRow {
  readonly kind: "authority";
  readonly id: typeof AUTHORITY_ID;
  readonly revision: number;
  readonly endsAt: Instant;
  readonly phase: AuthorityPhase;
  /** Of what workers are given: grows when other roots are trusted, or another one signs. */
  readonly version: number;
  /** The root in use. */
  readonly root: TrustedRoot;
  /** The other one, in every phase but `standby`. */
  readonly next?: TrustedRoot;
  /** From which version on workers are told of `next`. */
  readonly bundled: number;
  /** The pin of the root that has signed certificates whose record names none: those from before the first rotation. */
  readonly origin: string;
  readonly changedAt: Instant;
  /** The principal that has brought it to this phase. */
  readonly changedBy: string;
}

/** What a node of several has made of the row, during a rotation. */
export interface AuthorityNode {
  readonly kind: "authority_node";
  /** The node. */
  readonly id: string;
  readonly revision: number;
  readonly endsAt: Instant;
  /** The revision of the authority's row that it follows. */
  readonly follows: number;
  /** Why it cannot do its part; empty if it can. */
  readonly problem: string;
}

export const AUTHORITY_ID = "authority";

/** The phase after this one, if nobody turns back. */
export const nextPhase: Readonly<Record<AuthorityPhase, AuthorityPhase>> = {
  standby: "init",
  init: "update_clients",
  update_clients: "update_servers",
  update_servers: "standby",
  rollback: "standby",
};

/** True if a rotation may go from one phase to the other. */
export function mayMove(from: AuthorityPhase, to: AuthorityPhase): boolean {
  return to === nextPhase[from] || (to === "rollback" && from !== "standby");
}

type Roots = Pick<AuthorityRow, "phase" | "root" | "next">;

/** The roots that are trusted, the one in use first. */
export function trustedRoots({ root, next }: Omit<Roots, "phase">): readonly TrustedRoot[] {
  return next === undefined ? [root] : [root, next];
}

/** Which of the roots signs for workers. */
export function signingRoot({ phase, root, next }: Roots): TrustedRoot {
  return (phase === "update_clients" || phase === "update_servers") && next !== undefined ? next : root;
}

/** Which of the roots servers show certificates of. */
export function servingRoot({ phase, root, next }: Roots): TrustedRoot {
  return phase === "update_servers" && next !== undefined ? next : root;
}
