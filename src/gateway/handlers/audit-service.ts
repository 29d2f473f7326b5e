import { type AuditPage, listAudit } from "#api/audit/list-audit";
import { auditEntryToWire } from "#wire/convert-audit";
import { AuditService, type ListAuditResponse } from "#wire/gen/taskrun/v1/audit_service_pb";
import { asIs, unary } from "../rpc.js";

/** The AuditService: who answers for the plane reads who did what. */
export const auditService = [unary(AuditService.method.listAudit, listAudit, asIs, pageToWire)];

function pageToWire({ entries, nextPageToken }: AuditPage): ListAuditResponse {
  return { $typeName: "taskrun.v1.ListAuditResponse", entries: entries.map(auditEntryToWire), nextPageToken };
}
