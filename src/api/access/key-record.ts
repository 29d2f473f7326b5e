import type { KeyRow } from "#domain/access/key";
import { type AuditRecord, auditRecord } from "#domain/audit/record";
import type { Caller } from "#domain/caller";
import type { Instant } from "#domain/time/time";

/** What is done to a key, and by whom. */
export interface KeyChange {
  readonly action: "key.create" | "key.rotate" | "key.revoke";
  readonly caller: Caller;
  /** The key in whose place this one is made. */
  readonly replaces?: KeyRow;
}

/** What the audit log says of it: never the key, or its hash. */
export function keyRecord(row: KeyRow, { action, caller, replaces }: KeyChange, at: Instant): AuditRecord {
  const { id, name, role, namespaces } = row;
  const where = namespaces === "*" ? "all namespaces" : namespaces.join(",");
  const instead = replaces === undefined ? "" : `, in the place of ${replaces.id}`;
  const detail = `${role} of ${where}, named ${name}${instead}`;
  return auditRecord({ at, actor: caller.principal, action, object: `key ${id}`, detail });
}
