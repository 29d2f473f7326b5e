import type { TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import type { TaskRow, TaskStatus } from "#domain/task/task";
import type { Reads, TaskFilter } from "#ports/store-reads";
import { countStatuses } from "../../shared/count-statuses.js";
import type { Calls } from "../connect/calls.js";
import { rowFrom } from "../rows/rows.js";

const sql = {
  /** Of each lane how many wait, and the Tasks of the first. */
  queues: {
    name: "queues",
    text: `SELECT (SELECT count(*) FROM (SELECT FROM steps WHERE lane = wanted.lane LIMIT $2::bigint) AS ready),
        ARRAY(SELECT task_id FROM steps WHERE lane = wanted.lane ORDER BY rank, task_id, name LIMIT $3::bigint)
      FROM unnest($1::text[]) WITH ORDINALITY AS wanted (lane, place) ORDER BY place`,
  },
  created: {
    name: "created-lately",
    text: `SELECT namespace FROM tasks WHERE id >= $1 ORDER BY id DESC LIMIT $2::bigint`,
  },
  ended: {
    name: "ended-lately",
    text: `SELECT namespace, status FROM tasks WHERE finished_at > 0 AND finished_at >= $1::bigint
      ORDER BY finished_at DESC, id DESC LIMIT $2::bigint`,
  },
  /** Where the last rows that have ended begin. */
  endBound: {
    name: "end-bound",
    text: `SELECT finished_at FROM tasks WHERE finished_at > 0 ORDER BY finished_at DESC, id DESC OFFSET $1::bigint LIMIT 1`,
  },
  failed: {
    name: "last-failed",
    text: `SELECT fixed, data FROM tasks WHERE finished_at > 0 AND finished_at >= $1::bigint AND status = 'FAILED'
        AND ($2::text[] IS NULL OR namespace = ANY ($2::text[]))
      ORDER BY finished_at DESC, id DESC LIMIT $3::bigint`,
  },
} as const;

/**
 * The reads of overviews.
 *
 * @param all calls that see everything, for how far they may look
 */
export function overviewReads(calls: Calls, all: Calls): Pick<Reads, "queues" | "lately" | "lastFailed"> {
  return {
    async queues(lanes, { counted, first }) {
      if (lanes.length === 0) return [];
      const rows = await calls.query(sql.queues, [lanes, counted, first]);
      return rows.map(([waiting, tasks], i) => ({
        lane: lanes[i] ?? "",
        waiting: Number(waiting),
        first: tasks as unknown as readonly TaskId[],
      }));
    },

    async lately(namespaces, since, rows) {
      const created = await calls.query(sql.created, [beginningAt(since), rows + 1]);
      const ended = await calls.query(sql.ended, [since, rows + 1]);
      const isIn = ([namespace]: readonly unknown[]) => isOneOf(namespaces, String(namespace));
      const counted = ended.slice(0, rows).filter(isIn);
      return {
        created: created.slice(0, rows).filter(isIn).length,
        ended: countStatuses(counted.map(([, status]) => status as TaskStatus)),
        isCut: created.length > rows || ended.length > rows,
      };
    },

    async lastFailed(namespaces, rows, most) {
      const [bound] = await all.query(sql.endBound, [rows - 1]);
      const names = namespaces === "*" ? null : namespaces;
      const found = await calls.query(sql.failed, [bound?.[0] ?? 0, names, most]);
      return found.map(([fixed, data]) => rowFrom<TaskRow>(fixed, data));
    },
  };
}

function isOneOf(namespaces: TaskFilter["namespaces"], namespace: string): boolean {
  return namespaces === "*" || namespaces.includes(namespace);
}
