import type { TaskId } from "#domain/id";
import type { TaskRow } from "#domain/task/task";
import type { Millis } from "#domain/time/time";
import type { TaskDetail } from "./store-reads.js";

/** A Task that has ended, as the commit left it. */
export interface EndedTask {
  readonly task: TaskRow;
  /** Its Steps and Runs, if the commit had all of them at hand; otherwise they have to be read. */
  readonly rows: Pick<TaskDetail, "steps" | "runs"> | undefined;
}

/** How a wait ended: with its Task, or because its time was over. */
export type WaitEnd = ({ readonly type: "ended" } & EndedTask) | { readonly type: "over" };

/**
 * Says that nobody waits any more: the part of an `AbortSignal` that a wait uses. A whole one for each request costs more than
 * the wait.
 *
 * @example
 * ```ts
 * import type { WaitSignal } from "taskrun/ports/task-wait";
 *
 * const signal: WaitSignal = AbortSignal.timeout(5_000);
 * ```
 */
export interface WaitSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * A request that waits for the end of a Task. Read the Task after the wait has begun: one that has ended before is not
 * told of. Close it when it is no longer needed.
 *
 * @example
 * ```ts
 * import { LOCAL_CALLER, type Receipt } from "taskrun";
 * import type { TaskPlane } from "taskrun/ports/plane";
 * import type { TaskWait } from "taskrun/ports/task-wait";
 *
 * async function printEnd(plane: TaskPlane, { task }: Receipt, signal: AbortSignal): Promise<void> {
 *   const wait: TaskWait = plane.wait(LOCAL_CALLER, task.id);
 *   try {
 *     const end = await wait.ended(60_000 as Parameters<TaskWait["ended"]>[0], signal);
 *     console.log(end.type === "ended" ? end.task.state : "it goes on");
 *   } finally {
 *     wait.close();
 *   }
 * }
 * ```
 */
export interface TaskWait {
  /**
   * Waits for another Task instead. Does nothing if the wait has ended.
   *
   * @throws {Fault} `overloaded` if too many wait for that one; then this wait is closed
   */
  follow(taskId: TaskId): void;

  /**
   * Resolves when the Task has ended, or when the time is over. Call it once.
   *
   * @param signal abort it when nobody waits for the answer any more
   * @throws {Fault} by the promise: `not_found` if the Task was removed meanwhile, `unavailable` if the plane drains or
   *   the signal was aborted
   */
  ended(most: Millis, signal?: WaitSignal): Promise<WaitEnd>;

  /** Ends the wait. Does nothing if it has ended. */
  close(): void;
}
