import type { Caller } from "#domain/caller";
import type { DeadlineKind } from "#domain/deadline";
import type { RunId, StepKey, TaskId } from "#domain/id";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { ActorLife, Stamped } from "../life.js";
import type { RunEnd } from "../run/messages.js";
import type { EndReason } from "../task/messages.js";

/** What task-finalizer can be told. It owns what happens to Tasks and Steps after admission. */
export type TaskFinalizerMessage =
  /** a Run: the Step's Run has ended. Twice is harmless: the Step has moved on. */
  | ({ readonly type: "run.ended"; readonly runId: RunId; readonly end: RunEnd } & StepKey)
  /** client: end it for good. */
  | { readonly type: "cancel"; readonly caller: Caller; readonly taskId: TaskId; readonly message: string }
  /** itself: the Task has ended; end its Steps and Runs in the same commit. */
  | { readonly type: "task.ended"; readonly taskId: TaskId; readonly reason: EndReason }
  /** timers: may be stale; the rows decide. */
  | ({ readonly type: "deadline.passed"; readonly kind: DeadlineKind; readonly due: Instant } & StepKey);

/** The rows the runtime has found for a message; absent if there is no such row. */
export interface FinalizerFound {
  readonly task?: TaskRow;
  readonly step?: StepRow;
  /** For all but `run.ended`: the Steps that are not settled and the Runs that are not over. */
  readonly steps: readonly StepRow[];
  readonly runs: readonly RunRow[];
}

export type TaskFinalizerEvent =
  | (TaskFinalizerMessage & Stamped & { readonly found: FinalizerFound })
  | ActorLife;
