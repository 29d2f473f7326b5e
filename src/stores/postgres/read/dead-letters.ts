import type { TaskId } from "#domain/id";
import type { DeadLetterReason, DeadLetterStatus } from "#domain/task/dead-letter";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { DeadLetterFilter, DeadLetterPage, DeadLetterPlace, DeadLetterReads } from "#ports/dead-letters";
import type { Calls } from "../connect/calls.js";
import { deadLetterFrom } from "../rows/rows.js";

const NEWEST_FIRST = "ORDER BY created_at DESC, task_id DESC";

const statements = {
  get: {
    name: "dead-letter",
    text: `SELECT data FROM dead_letters
      WHERE task_id = $1 AND ($2::text[] IS NULL OR namespace = ANY ($2::text[]))`,
  },
  list: {
    name: "dead-letters",
    text: `SELECT data FROM (
        SELECT * FROM dead_letters WHERE (created_at, task_id) < ($1::bigint, $2::text) ${NEWEST_FIRST} LIMIT $3::bigint) AS looked
      WHERE ($4::text[] IS NULL OR namespace = ANY ($4::text[]))
        AND ($5::text[] IS NULL OR status = ANY ($5::text[])) AND ($6::text IS NULL OR reason = $6)
      ${NEWEST_FIRST} LIMIT $7::bigint`,
  },
  /** The last one that a page may look at. */
  last: {
    name: "last-dead-letter",
    text: `SELECT created_at, task_id FROM dead_letters WHERE (created_at, task_id) < ($1::bigint, $2::text)
      ${NEWEST_FIRST} LIMIT 1 OFFSET $3::bigint`,
  },
  queue: {
    name: "dead-letter-queue",
    text: `SELECT data FROM (
        SELECT * FROM dead_letters WHERE status = 'PENDING' ORDER BY rank, task_id LIMIT $1::bigint) AS looked
      WHERE $2::text[] IS NULL OR namespace = ANY ($2::text[]) ORDER BY rank, task_id LIMIT $3::bigint`,
  },
  count: {
    name: "count-dead-letters",
    text: `SELECT reason, status, count(*), min(created_at), max(created_at),
        sum(CASE WHEN closed_at > 0 THEN closed_at - created_at ELSE 0 END)
      FROM (SELECT * FROM dead_letters WHERE $1::text[] IS NULL OR namespace = ANY ($1::text[])
        ${NEWEST_FIRST} LIMIT $2::bigint) AS newest
      GROUP BY reason, status`,
  },
} as const;

/** Above every instant and every id. */
const START = { createdAt: Number.MAX_SAFE_INTEGER, taskId: "\u{10ffff}" };

/** Reads of dead letters, each one statement. */
export function deadLetterReads(calls: Calls): DeadLetterReads {
  return {
    async get(taskId, namespaces) {
      const [row] = await calls.query(statements.get, [taskId, listOf(namespaces)]);
      return row && deadLetterFrom(row[0]);
    },

    async list(
      { namespaces, statuses = undefined, reason = undefined }: DeadLetterFilter,
      after: DeadLetterPlace | undefined,
      pageSize: number,
    ): Promise<DeadLetterPage> {
      const { createdAt, taskId } = after ?? START;
      const filter = [listOf(namespaces), statuses ?? null, reason ?? null];
      const looked = limits.pageScannedRows;
      const found = await calls.query(statements.list, [createdAt, taskId, looked, ...filter, pageSize + 1]);
      const letters = found.slice(0, pageSize).map(([data]) => deadLetterFrom(data));
      if (found.length > pageSize) return { letters, next: letters.at(-1) };
      const [end] = await calls.query(statements.last, [createdAt, taskId, looked - 1]);
      return {
        letters,
        next: end && { createdAt: Number(end[0]), taskId: String(end[1]) as TaskId },
      };
    },

    async queue(namespaces, most) {
      const looked = limits.pageScannedRows;
      const found = await calls.query(statements.queue, [looked, listOf(namespaces), most]);
      return found.map(([data]) => deadLetterFrom(data));
    },

    async count(namespaces, most) {
      const found = await calls.query(statements.count, [listOf(namespaces), most]);
      const counts = found.map(([reason, status, ...numbers]) => {
        const [count = 0, oldest = 0, newest = 0, closedAfter = 0] = numbers.map(Number);
        return {
          reason: reason as DeadLetterReason,
          status: status as DeadLetterStatus,
          count,
          oldestAt: instant(oldest),
          newestAt: instant(newest),
          closedAfter,
        };
      });
      const counted = counts.reduce((sum, { count }) => sum + count, 0);
      return { counts, isComplete: counted < most };
    },
  };
}

function listOf(namespaces: DeadLetterFilter["namespaces"]): readonly string[] | null {
  return namespaces === "*" ? null : namespaces;
}
