import type { StaleTerms } from "#domain/task/staleness";
import { StorageGauges } from "../storage-gauges.js";
import type { Supervisor } from "../supervisor.js";
import { Retention } from "./retention.js";
import { StaleTasks } from "./stale-tasks.js";

type RetentionParts = ConstructorParameters<typeof Retention>;

/**
 * Starts what goes through the store now and then: the removal of ended Tasks, the search for stale ones, and
 * the count of all, which begins by itself.
 *
 * @param kept how long ended Tasks are kept
 * @param archive where they are kept before they are removed
 * @returns what stops it
 */
export function startSweeps(
  supervisor: Supervisor,
  kept: RetentionParts[2],
  stale: StaleTerms,
  archive: RetentionParts[4],
): () => void {
  const { core, followed, clockStarter } = supervisor;
  const sweeps = [
    new Retention(core, followed, kept, clockStarter.started, archive),
    new StaleTasks(supervisor, stale),
  ];
  const storage = new StorageGauges(core);
  for (const sweep of sweeps) sweep.start();
  return () => {
    storage.stop();
    for (const sweep of sweeps) sweep.stop();
  };
}
