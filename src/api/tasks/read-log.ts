import { z } from "zod";
import { cursorRefused, taskNotFound } from "#domain/refusals";
import { endsLog, type LogEntry } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { seq } from "../validate.js";
import { findTask } from "./find-task.js";
import { endOf } from "./whole-task.js";

/** A part of a Task's log. */
export interface LogPage {
  readonly task: TaskRow;
  /** The Task's result, if the page has the terminal entry and it fits; otherwise empty. */
  readonly output: string;
  /** The seq of the first entry. */
  readonly firstSeq: number;
  readonly entries: readonly LogEntry[];
  /** The seq after which the next page begins; undefined if there is nothing more yet. */
  readonly next: number | undefined;
}

/** A page of a Task's log as it stands, of about 2 MiB: what WatchTask follows. Without `afterSeq` from the first entry that is kept. */
export const readLog = useCase({
  action: "task.watch",
  input: z.object({ id: taskId, afterSeq: seq.optional() }),
  answerBytes: limits.messageBytes,
  find: findTask,
  perform: async ({ id, afterSeq }, request, { detail: { task } }): Promise<LogPage> => {
    const reads = readsOf(request);
    const bounds = await reads.logBounds(task);
    if (!bounds) throw taskNotFound(id);
    const after = afterSeq ?? bounds.earliest - 1;
    const refused = cursorRefused(after, bounds);
    if (refused) throw refused;
    const { firstSeq, entries } = await reads.log(task, after, limits.pageBytes);
    const last = firstSeq + entries.length - 1;
    const end = endsLog(entries.at(-1)) ? await endOf(reads, task) : { task, output: "" };
    return { ...end, firstSeq, entries, next: last < bounds.last ? last : undefined };
  },
});
