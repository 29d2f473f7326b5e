/** What the settings of a server say of its plane, for a server and for a plane in somebody else's process alike. */
import type { ServerConfig } from "#config/index";
import type { ControlPlaneParts } from "#control-plane";
import type { Prices } from "#domain/task/prices";
import { openExportFolder } from "#host/archive/folder";
import { openAudit, type ServerAudit } from "#host/audit/open";
import { nodeClock } from "#host/clock";
import { openPrices } from "#host/prices";
import type { TaskArchive } from "#ports/archive";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";

/** The parts of a plane that are settings and nothing else. */
type PlaneSettings = Required<
  Pick<
    ControlPlaneParts,
    "terms" | "retention" | "deadLetterRetention" | "retentionOf" | "stale" | "acceptClock"
  >
>;

export function planeSettings(config: ServerConfig): PlaneSettings {
  const { lease, heartbeat, publicLease, acceptClock, stale } = config;
  const { retention, retentionOf, deadLetterRetention } = config;
  const terms = { lease, heartbeat, publicLease };
  return { terms, retention, deadLetterRetention, retentionOf, stale, acceptClock };
}

/** What a plane writes down beside its store. */
interface Books {
  /** Undefined if it has no audit log. */
  readonly audit: ServerAudit | undefined;
  /** Where ended Tasks are kept before they are removed; undefined if nowhere. */
  readonly archive: TaskArchive | undefined;
  /** What models cost. */
  readonly prices: Prices;
}

/**
 * Opens the audit log, the folder of exports and the price table, and the store before them: what is wrong with the data directory it says best.
 *
 * @throws {Fault} if one of them cannot be opened; then none is open, and the store is closed
 */
export async function openBooks(
  store: Store,
  config: ServerConfig,
  telemetry: Pick<Telemetry, "log" | "count">,
): Promise<Books> {
  let audit: ServerAudit | undefined;
  try {
    await store.open?.();
    audit = await openAudit(config, store, telemetry);
    return { audit, archive: await archiveOf(store, config), prices: await openPrices(config.prices) };
  } catch (error) {
    // Why it could not be opened says more than why something could not be closed.
    await audit?.close().catch(() => undefined);
    await store.close().catch(() => undefined);
    throw error;
  }
}

async function archiveOf(store: Store, { exportTo }: ServerConfig): Promise<TaskArchive | undefined> {
  if (exportTo === "") return undefined;
  const clock = nodeClock();
  return openExportFolder(exportTo, store.reads, () => clock.wall());
}
