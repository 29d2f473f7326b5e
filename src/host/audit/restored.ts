import type { Restoration } from "#domain/incarnation";
import { iso } from "#domain/time/iso";
import { limits } from "#limits/index";
import type { AuditStore, AuditTrail } from "#ports/audit";

/** Pages of the newest entries among which that of the restoration is looked for. */
const PAGES = 20;

/**
 * Appends, once in each life of a store, that it began with a backup that was put back: the log before it ends with what the backup has.
 * Who did so is known to nobody here, since it was done by a command while no server ran.
 *
 * @param restored with which this life began; undefined if the store was never restored
 */
export async function recordRestoration(
  trail: Pick<AuditTrail, "record"> | undefined,
  store: Pick<AuditStore, "latest"> | undefined,
  restored: Restoration | undefined,
): Promise<void> {
  if (!trail || !store || !restored || (await isRecorded(store, restored))) return;
  const { id, since } = restored;
  const detail = `incarnation ${id} begins: what was committed after ${iso(since)} is rolled back`;
  await trail.record({ actor: "local", action: "store.restored", object: objectOf(id), detail });
}

const objectOf = (id: string) => `incarnation ${id}`;

/** True as well if there is too much of this life to look for it: it began long ago. */
async function isRecorded(store: Pick<AuditStore, "latest">, { id, since }: Restoration): Promise<boolean> {
  let page = await store.latest(undefined, limits.auditPage);
  for (let pages = 1; pages <= PAGES; pages++) {
    if (page.some(({ action, object }) => action === "store.restored" && object === objectOf(id)))
      return true;
    const last = page.at(-1);
    if (!last || page.length < limits.auditPage || last.at < since) return false;
    page = await store.latest(last, limits.auditPage);
  }
  return true;
}
