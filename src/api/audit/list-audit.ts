import { z } from "zod";
import type { AuditEntry } from "#domain/audit/record";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { AuditStore } from "#ports/audit";
import { pageToken } from "../fields.js";
import { useCase } from "../use-case.js";
import { freeText } from "../validate.js";
import { type AuditToken, fromAuditToken, toAuditToken } from "./page-token.js";

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** ListAudit: the entries of the audit log, in the order in which they are verified, or the newest first. */
export const listAudit = useCase({
  action: "audit.list",
  input: z.object({
    pageSize: z
      .number()
      .transform((size) => (size <= 0 ? limits.auditPage : Math.min(size, limits.auditPage))),
    pageToken: pageToken(fromAuditToken),
    newestFirst: z.boolean(),
    chain: freeText(limits.idBytes),
  }),
  answerBytes: limits.messageBytes,
  find: () => ({ resource: { kind: "all_namespaces" as const } }),
  perform: async (
    { pageSize, pageToken: after, newestFirst, chain },
    { services: { audit } },
  ): Promise<AuditPage> => {
    if (!audit) {
      throw new Fault("wrong_state", "no audit log is kept here: only a server keeps one.", {
        reason: "AUDIT_OFF",
      });
    }
    if (newestFirst && chain !== "")
      throw new Fault("invalid", "chain: leave it out with newest_first.", { field: "chain" });
    const entries = await pageOf(audit.store, { pageSize, after, newestFirst, chain });
    const last = entries.at(-1);
    return { entries, nextPageToken: last && entries.length === pageSize ? toAuditToken(last) : "" };
  },
});

interface Asked {
  readonly pageSize: number;
  readonly after: AuditToken | undefined;
  readonly newestFirst: boolean;
  readonly chain: string;
}

function pageOf(
  store: AuditStore,
  { pageSize, after, newestFirst, chain }: Asked,
): Promise<readonly AuditEntry[]> {
  if (newestFirst) return store.latest(after, pageSize);
  return store.entries(after, pageSize, chain === "" ? undefined : chain);
}
