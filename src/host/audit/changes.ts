import type { AuditRecord } from "#domain/audit/record";
import { limits } from "#limits/index";
import type { AuditStore, AuditTrail } from "#ports/audit";

/** What is in force since this start, as the audit log says it: of one action and object. */
export type InForce = Pick<AuditRecord, "action" | "object" | "detail">;

/** Pages of the newest entries among which the last word about it is looked for. */
const PAGES = 20;

/**
 * Appends what is in force now, if it is not what the log says last: a server reads its settings at its start alone, so that whatever
 * somebody has changed in them shows here.
 *
 * @param before what a log that says nothing stands for; undefined if it stands for nothing
 */
export async function recordChange(
  trail: Pick<AuditTrail, "record">,
  store: Pick<AuditStore, "latest">,
  now: InForce,
  before?: string,
): Promise<void> {
  const known = await lastWord(store, now);
  if ((known ?? before) !== now.detail) await trail.record({ ...now, actor: "local" });
}

/** What the log says last of the action and object; undefined if nothing. Nothing is as well what was said too long ago. */
async function lastWord(
  store: Pick<AuditStore, "latest">,
  { action, object }: InForce,
): Promise<string | undefined> {
  let page = await store.latest(undefined, limits.auditPage);
  for (let pages = 1; ; pages++) {
    const found = page.find((entry) => entry.action === action && entry.object === object);
    if (found) return found.detail;
    const last = page.at(-1);
    if (!last || page.length < limits.auditPage) return undefined;
    if (pages === PAGES) return "";
    page = await store.latest(last, limits.auditPage);
  }
}
