import type { AuditEntry, AuditRecord } from "#domain/audit/record";
import type { NodeId } from "#domain/id";
import type { Instant } from "#domain/time/time";

export type { AuditAction, AuditEntry, AuditRecord } from "#domain/audit/record";

/** Records that become the next entries of a chain, in this order. */
export interface AuditAppend {
  readonly chain: string;
  readonly records: readonly AuditRecord[];
}

/** A place in the log. */
export interface AuditPlace {
  readonly chain: string;
  readonly seq: number;
}

/** The ends of a chain: the first entry that is kept, and the last one written. */
export interface AuditHead extends AuditPlace {
  readonly first: number;
  readonly hash: string;
  readonly at: Instant;
}

/**
 * The audit log, as part of a store. Entries are only appended, and removed from the oldest on. The store numbers and
 * hashes them, in the transaction that writes them, so that no two writers can come between each other.
 *
 * @example
 * ```ts
 * import type { AuditStore } from "taskrun/ports/audit";
 *
 * async function countRefused(audit: AuditStore): Promise<number> {
 *   const entries = await audit.latest(undefined, 100);
 *   return entries.filter(({ result }) => result === "refused").length;
 * }
 * ```
 */
export interface AuditStore {
  /**
   * Appends records, durably. What belongs to an action is appended by the commit of that action instead: by `Commit.audit`,
   * `CredentialStore.putKeys` or `EnrolmentStore.put`.
   *
   * @param id names the call: a store whose answer may be lost writes what it is sent under one id at most once
   */
  append(id: string, append: AuditAppend): Promise<void>;

  /** Entries by chain and seq, after a place; of all chains, if `chain` is left out. */
  entries(after: AuditPlace | undefined, limit: number, chain?: string): Promise<readonly AuditEntry[]>;

  /** The newest entries first, by (at, chain, seq), before an entry. */
  latest(
    before: Pick<AuditEntry, "at" | "chain" | "seq"> | undefined,
    limit: number,
  ): Promise<readonly AuditEntry[]>;

  /** Up to `limit` chains, by name, after one. */
  heads(after: string, limit: number): Promise<readonly AuditHead[]>;

  /** Removes the entries of a chain up to this one, at most `limit` of them. Returns how many. */
  remove(through: AuditPlace, limit: number): Promise<number>;
}

/** What is told of something that was refused, and has no commit of its own. */
export type Refusal = Pick<AuditRecord, "actor" | "action" | "object"> &
  Partial<Pick<AuditRecord, "namespace" | "detail">>;

/** The audit log of a plane, which begins once it is known what its node is called, and ends before its store is closed. */
export interface PlaneAudit {
  readonly open: (node: NodeId | undefined) => AuditTrail;
  /** Called when the store has booted. */
  start(): void;
  /** Writes what is left. Called once, even if it was never opened. */
  close(): Promise<void>;
}

/**
 * Where everything that is audited goes. What has a commit of its own is appended by it, under `chain`, followed by
 * `committed`; what is refused is noted; all else is recorded.
 *
 * @example
 * ```ts
 * import type { AuditTrail } from "taskrun/ports/audit";
 *
 * function refuse(audit: AuditTrail, actor: string, worker: string): void {
 *   audit.refused({ actor, action: "worker.enrol", object: `worker ${worker}`, detail: "TOKEN_USED" });
 * }
 * ```
 */
export interface AuditTrail {
  /** The chain of this process. */
  readonly chain: string;
  /** Counts a refusal: those of one caller and action in one minute become one entry. Never waits or throws. */
  refused(refusal: Refusal): void;
  /**
   * Appends one record, by itself. Resolves when it is durable.
   *
   * @throws {Fault} what the store throws
   */
  record(said: Pick<AuditRecord, "actor" | "action" | "object"> & Partial<AuditRecord>): Promise<void>;
  /** Call after a commit that has appended this many records: they count towards the next checkpoint. */
  committed(records: number): void;
}
