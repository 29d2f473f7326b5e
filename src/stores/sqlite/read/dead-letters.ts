import type { TaskId } from "#domain/id";
import type { DeadLetterReason, DeadLetterStatus } from "#domain/task/dead-letter";
import { instant } from "#domain/time/time";
import type { DeadLetterFilter, DeadLetterReads } from "#ports/dead-letters";
import type { Layouts } from "../rows/layouts.js";
import { deadLetterTable } from "../rows/rows.js";
import type { ReaderCalls } from "../thread/client.js";

/** Implements the reads of dead letters with a client of the reader thread. */
export function deadLetterReads(reader: ReaderCalls, layouts: Layouts): DeadLetterReads {
  const decode = (text: string) => deadLetterTable.rows(text, layouts);
  return {
    get: (id, namespaces) =>
      reader.decoded("deadLetter", { id, namespaces: listOf(namespaces) }, (text) =>
        text === null ? undefined : deadLetterTable.row(text, layouts),
      ),

    list: ({ namespaces, statuses = null, reason = null }, after = undefined, pageSize) => {
      const request = { namespaces: listOf(namespaces), statuses, reason, after: after ?? null, pageSize };
      return reader.decoded("deadLetters", request, ({ letters, next }) => ({
        letters: decode(letters),
        next: next ? { createdAt: next.createdAt, taskId: next.taskId as TaskId } : undefined,
      }));
    },

    queue: (namespaces, most) =>
      reader.decoded("pendingDeadLetters", { namespaces: listOf(namespaces), most }, decode),

    async count(namespaces, most) {
      const found = await reader.call("deadLetterCounts", { namespaces: listOf(namespaces), most });
      const counts = found.map(([reason, status, count, oldest, newest, closedAfter]) => ({
        reason: reason as DeadLetterReason,
        status: status as DeadLetterStatus,
        count,
        oldestAt: instant(oldest),
        newestAt: instant(newest),
        closedAfter,
      }));
      const counted = counts.reduce((sum, { count }) => sum + count, 0);
      return { counts, isComplete: counted < most };
    },
  };
}

function listOf(namespaces: DeadLetterFilter["namespaces"]): readonly string[] | null {
  return namespaces === "*" ? null : namespaces;
}
