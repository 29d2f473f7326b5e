import type { TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import { type TaskState, taskStatus } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Lately, Queue, Reads, TaskFilter } from "#ports/store-reads";
import { countStatuses } from "../../shared/count-statuses.js";
import type { Layouts } from "../rows/layouts.js";
import { taskTable } from "../rows/rows.js";
import type { ReaderCalls } from "../thread/client.js";

/** The reads of overviews, with a client of the reader thread. */
export function sqliteOverview(
  reader: ReaderCalls,
  layouts: Layouts,
): Pick<Reads, "queues" | "lately" | "lastFailed"> {
  return {
    async queues(lanes: readonly string[], most): Promise<readonly Queue[]> {
      const queues = await reader.call("queues", { lanes, ...most });
      return queues.map(({ waiting, first }, i) => ({
        lane: lanes[i] ?? "",
        waiting,
        first: first as readonly TaskId[],
      }));
    },

    async lately(namespaces: TaskFilter["namespaces"], since: Instant, rows: number): Promise<Lately> {
      const { created, ended } = await reader.call("lately", { from: beginningAt(since), since, rows });
      const isIn = (namespace: string) => namespaces === "*" || namespaces.includes(namespace);
      const counted = ended.slice(0, rows).filter(([namespace]) => isIn(namespace));
      return {
        created: created.slice(0, rows).filter(isIn).length,
        ended: countStatuses(
          counted.map(([, state]) => taskStatus({ state: state as TaskState, hasRun: true })),
        ),
        isCut: created.length > rows || ended.length > rows,
      };
    },

    async lastFailed(namespaces: TaskFilter["namespaces"], rows: number, most: number) {
      const request = { namespaces: namespaces === "*" ? null : namespaces, rows, most };
      return reader.decoded("lastFailed", request, (tasks) => taskTable.rows(tasks, layouts));
    },
  };
}
