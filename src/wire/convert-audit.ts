import type { AuditEntry } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import type { AuditEntry as WireEntry } from "#wire/gen/taskrun/v1/audit_service_pb";

export function auditEntryToWire(entry: AuditEntry): WireEntry {
  const { chain, actor, action, object, namespace, result, detail, hash } = entry;
  return {
    $typeName: "taskrun.v1.AuditEntry",
    ...{ chain, actor, action, object, namespace, result, detail, hash },
    seq: BigInt(entry.seq),
    atMs: BigInt(entry.at),
    sinceMs: BigInt(entry.since),
    count: BigInt(entry.count),
    prevHash: entry.prev,
  };
}

/** As it was sent: whether it is right is for who verifies it. */
export function auditEntryFromWire(entry: WireEntry): AuditEntry {
  const { chain, actor, action, object, namespace, detail, hash, prevHash: prev } = entry;
  return {
    ...{ chain, actor, action, object, namespace, detail, prev, hash },
    result: entry.result as AuditEntry["result"],
    seq: Number(entry.seq),
    at: instant(Number(entry.atMs)),
    since: instant(Number(entry.sinceMs)),
    count: Number(entry.count),
  };
}
