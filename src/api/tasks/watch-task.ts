import { z } from "zod";
import type { TaskId } from "#domain/id";
import { cursorRefused, taskNotFound } from "#domain/refusals";
import { endsLog, type LogSlice } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import type { Reads } from "#ports/store-reads";
import { taskId } from "../fields.js";
import { useCase } from "../use-case.js";
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
  /** Follows the log to its terminal entry, at the pace of the reader, until the signal aborts. */
  slices(signal: AbortSignal): AsyncIterable<LogSlice>;
  /** The ended Task, for the terminal entry. Call it only then: it may be large. */
  end(): Promise<TaskEnd>;
}

/** WatchTask: a Task's log after `afterSeq`, live. */
export const watchTask = useCase({
  action: "task.watch",
  input: z.object({ id: taskId, afterSeq: seq }),
  find: findTask,
  perform: ({ id, afterSeq }, { caller, services: { plane } }, { detail: { task } }): Watch => ({
    task,
    isOver: () => isOver(plane.reads, id, afterSeq),
    slices: (signal) => plane.watch(caller, id, afterSeq, signal),
    end: () => endOf(plane.reads, task),
  }),
});

async function isOver(reads: Reads, id: TaskId, afterSeq: number): Promise<boolean> {
  const bounds = await reads.logBounds(id);
  if (!bounds) throw taskNotFound(id);
  const refused = cursorRefused(afterSeq, bounds);
  if (refused) throw refused;
  if (afterSeq === 0 || afterSeq < bounds.last) return false;
  const { entries } = await reads.log(id, afterSeq - 1, 1);
  return endsLog(entries.at(-1));
}
