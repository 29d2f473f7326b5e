import { clip } from "../text/text.js";
import type { Instant } from "../time/time.js";

/** What the audit log knows of by name. Others may be added; the name is part of what is hashed. */
export type AuditAction =
  | "key.create"
  | "key.rotate"
  | "key.revoke"
  /** A credential that was refused. */
  | "key.use"
  /** An rpc or route for which the caller has no scope. */
  | "call"
  | "worker.drain"
  | "pause.create"
  | "pause.end"
  /** A worker, its session or its Run under the name of another. */
  | "worker.impersonate"
  | "step.resolve"
  | "task.retry"
  | "task.fork"
  /** A batch of a bulk action; what was done with each Task has a record of its own. */
  | "task.bulk"
  /** By another than who has created the Task. */
  | "task.cancel"
  /** By another than who has created the Task. */
  | "task.signal"
  | "template.register"
  | "worker.enrol"
  | "worker.renew"
  | "worker.revoke"
  | "ca.change"
  /** Damaged data was given up, by `--repair`. */
  | "store.repair"
  /** A backup was put back, while no server ran. */
  | "store.restored"
  | "policy.change"
  /** Any action of `api/authorize.ts` that was refused. */
  | (string & {});

/** What was done, or was refused, by whom and on what. */
export interface AuditRecord {
  readonly at: Instant;
  /** The first time, of several that are one record; otherwise equal to `at`. */
  readonly since: Instant;
  /** The principal of the caller; `anonymous` if there is none. */
  readonly actor: string;
  readonly action: AuditAction;
  /** Kind and name, as `task 0198…`; of several the last one. */
  readonly object: string;
  /** Empty if it is of none. */
  readonly namespace: string;
  readonly result: "done" | "refused";
  /** For people: a reason, a role, what has changed. Never a secret. */
  readonly detail: string;
  /** How many times. */
  readonly count: number;
}

/**
 * A record in its place in a chain: what it says, and a hash that covers it and all before it.
 *
 * @example
 * ```ts
 * import type { AuditEntry } from "taskrun/ports/audit";
 *
 * const line = ({ actor, action, object, result }: AuditEntry): string => `${actor} ${action} ${object} ${result}`;
 * ```
 */
export interface AuditEntry extends AuditRecord {
  /** The node that wrote it; `server` where the store is one process's. */
  readonly chain: string;
  /** From 1, without a gap. */
  readonly seq: number;
  /** The hash of the entry before; of the first one {@link NO_ENTRY}. */
  readonly prev: string;
  /** SHA-256, in hex, of {@link hashedText}. */
  readonly hash: string;
}

/** What the first entry of a chain has for the hash of the one before it. */
export const NO_ENTRY = "0".repeat(64);

/** The name of the chain where one process has the store. */
export const OWN_CHAIN = "server";

/** A half of a pair cannot be written in UTF-8: it would be another text after a journey over a wire. */
const LONE = /\p{Surrogate}/gu;

const NAME_BYTES = 512;
const DETAIL_BYTES = 1_024;

/** Makes a record that happened once, of texts that are cut to a bounded length. */
export function auditRecord(
  said: Pick<AuditRecord, "at" | "actor" | "action" | "object"> & Partial<AuditRecord>,
): AuditRecord {
  const { at, since = at, namespace = "", result = "done", detail = "", count = 1 } = said;
  return {
    ...{ at, since, result, count },
    actor: cut(said.actor, NAME_BYTES),
    action: cut(said.action, NAME_BYTES),
    object: cut(said.object, NAME_BYTES),
    namespace: cut(namespace, NAME_BYTES),
    detail: cut(detail, DETAIL_BYTES),
  };
}

function cut(text: string, bytes: number): string {
  return clip(text, bytes).replace(LONE, "\ufffd");
}

/** The canonical form of a record: a JSON array, in which each field has its place. */
export function recordText(record: AuditRecord): string {
  const { at, since, actor, action, object, namespace, result, detail, count } = record;
  return JSON.stringify([at, since, actor, action, object, namespace, result, detail, count]);
}

/** The record of a canonical form. */
export function recordOf(text: string): AuditRecord {
  const [at, since, actor, action, object, namespace, result, detail, count] = JSON.parse(text);
  return { at, since, actor, action, object, namespace, result, detail, count };
}

/** What the hash of an entry is of. No two places, and no two records, have the same text. */
export function hashedText(chain: string, seq: number, prev: string, record: string): string {
  return `${prev}\n${chain}\n${seq}\n${record}`;
}

/** One line of an export: the same for everybody, so that a changed byte shows. */
export function entryLine(entry: AuditEntry): string {
  const { chain, seq, at, since, actor, action, object, namespace, result, detail, count, prev, hash } =
    entry;
  return JSON.stringify({
    ...{ chain, seq, at, since, actor, action, object, namespace, result, detail, count, prev, hash },
  });
}
