import { z } from "zod";
import { cursorRefused, taskNotFound } from "#domain/refusals";
import { endsLog, type LogSlice } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import type { CallerReads } from "../caller-reads.js";
import { taskId } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { seq } from "../validate.js";
import { findTask } from "./find-task.js";
import { endOf, type TaskEnd } from "./whole-task.js";

/** A watch of a Task's log. */
export interface Watch {
  /** The Task when the watch began. Its changes are in the log. */
  readonly task: TaskRow;
  /**
   * True if nothing will follow: the watch begins after the terminal entry. For protocols that have to know before they
   * answer.
   *
   * @throws {Fault} what `slices` would throw about the cursor
   */
  isOver(): Promise<boolean>;
  /** The seq of the newest entry: whoever knows how the Task stands needs no earlier one. */
  lastSeq(): Promise<number>;
  /** Follows the log to its terminal entry, at the pace of the reader, until the signal aborts. */
  slices(signal: AbortSignal): AsyncIterable<LogSlice>;
  /** The ended Task, for the terminal entry. Call it only then: it may be large. */
  end(): Promise<TaskEnd>;
}

/** WatchTask: a Task's log after `afterSeq`, live. Refused before it begins where its namespace has as many watchers as it may. */
export const watchTask = useCase({
  action: "task.watch",
  input: z.object({ id: taskId, afterSeq: seq }),
  find: findTask,
  perform: ({ id, afterSeq }, request, { detail: { task } }): Watch => {
    const { caller, services } = request;
    const reads = readsOf(request);
    const { watchers } = services;
    watchers?.check(task.namespace);
    return {
      task,
      isOver: () => isOver(reads, task, afterSeq),
      lastSeq: async () => (await boundsOf(reads, task)).last,
      slices: (signal) => {
        const slices = services.plane.watch(caller, id, afterSeq, signal);
        return watchers ? watchers.counted(task.namespace, slices) : slices;
      },
      end: () => endOf(reads, task),
    };
  },
});

async function isOver(reads: CallerReads, task: TaskRow, afterSeq: number): Promise<boolean> {
  const bounds = await boundsOf(reads, task);
  const refused = cursorRefused(afterSeq, bounds);
  if (refused) throw refused;
  if (afterSeq === 0 || afterSeq < bounds.last) return false;
  const { entries } = await reads.log(task, afterSeq - 1, 1);
  return endsLog(entries.at(-1));
}

/** @throws {Fault} `not_found` if the Task has been removed since */
async function boundsOf(reads: CallerReads, task: TaskRow) {
  const bounds = await reads.logBounds(task);
  if (!bounds) throw taskNotFound(task.id);
  return bounds;
}
