import { z } from "zod";
import type { LogSlice } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import { taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { seq } from "../validate.js";
import { findTask } from "./find-task.js";
import { endOf, type TaskEnd } from "./whole-task.js";

/** A watch of a Task's log. */
export interface Watch {
  /** The Task when the watch began. Its changes are in the log. */
  readonly task: TaskRow;
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
    slices: (signal) => plane.watch(caller, id, afterSeq, signal),
    end: () => endOf(plane.reads, task),
  }),
});
