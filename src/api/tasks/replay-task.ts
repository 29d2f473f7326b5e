import { z } from "zod";
import type { LogSlice } from "#domain/task/log";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { taskId } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { findTask } from "./find-task.js";

/** The log of a Task as it is now. */
export interface ReplayedLog {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  /** From the oldest entry there is to the newest; does not wait for further ones. */
  slices(signal: AbortSignal): AsyncIterable<LogSlice>;
}

/** The log of a Task, to be replayed: like WatchTask, but it ends where the log does. */
export const replayTask = useCase({
  action: "task.replay",
  input: z.object({ id: taskId }),
  find: findTask,
  async perform({ id }, request, { detail }): Promise<ReplayedLog> {
    const { caller } = request;
    const { plane } = request.services;
    const { task, steps } = detail;
    const { earliest, last } = (await readsOf(request).logBounds(task)) ?? { earliest: 1, last: 0 };
    const before = earliest - 1;
    return {
      task,
      steps,
      async *slices(signal) {
        if (last <= before) return;
        for await (const slice of plane.watch(caller, id, before, signal)) {
          yield slice;
          if (slice.firstSeq + slice.entries.length > last) return;
        }
      },
    };
  },
});
