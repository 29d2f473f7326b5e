import type { Caller } from "#domain/caller";
import type { DeadlineKind } from "#domain/deadline";
import type { RunId, StepKey, TaskId } from "#domain/id";
import type { Plan } from "#domain/plan";
import type { RunRow } from "#domain/run";
import type { ResolveAction, StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { TemplateRef } from "#domain/template";
import type { Instant } from "#domain/time";
import type { SchemaProblem } from "#domain/verdict";
import type { ActorLife, Stamped } from "../life.js";
import type { RunEnd } from "../run/messages.js";
import type { EndReason } from "../task/messages.js";

/** What task-finalizer can be told. It owns what happens to Tasks and Steps after admission. */
export type TaskFinalizerMessage =
  /** a Run: the Step's Run has ended. Twice is harmless: the Step has moved on. */
  | ({ readonly type: "run.ended"; readonly runId: RunId; readonly end: RunEnd } & StepKey)
  /** a Run: a worker has let go of it, after its end. */
  | { readonly type: "run.released"; readonly taskId: TaskId }
  /** itself: the Step is settled; those that waited for it may go on. */
  | ({ readonly type: "step.settled" } & StepKey)
  /** itself: a decision or a batch has its result; what it says is to be made of it. */
  | ({ readonly type: "unfold"; readonly output: string; readonly template: TemplateRef } & StepKey)
  /** itself: a map has begun, and its list is to be spread; or all its members are done. */
  | ({ readonly type: "map.open" } & StepKey)
  | ({ readonly type: "map.collect" } & StepKey)
  /** itself: a Step that is a Task of its own may begin; or that Task has ended. */
  | ({ readonly type: "child.start" } & StepKey)
  | ({ readonly type: "child.ended"; readonly childId: TaskId } & StepKey)
  /** itself: the Step has begun whose signal came before. */
  | ({ readonly type: "signal.taken" } & StepKey)
  /** client: a payload for a waiting Step, as JSON text. */
  | {
      readonly type: "signal";
      readonly caller: Caller;
      readonly taskId: TaskId;
      readonly signal: string;
      readonly payload: string;
    }
  /** operator: settle by hand what failed. An empty Step name means the whole Task. */
  | ({ readonly type: "resolve"; readonly caller: Caller; readonly action: ResolveAction } & StepKey)
  /** client: end it for good. */
  | { readonly type: "cancel"; readonly caller: Caller; readonly taskId: TaskId; readonly message: string }
  /** itself: the Task has ended; end its Steps and Runs in the same commit, and undo what it did. */
  | { readonly type: "task.ended"; readonly taskId: TaskId; readonly reason: EndReason }
  /** runtime: a message about these failed to be decided. Empty Step and Run mean the whole Task. */
  | ({ readonly type: "abort"; readonly runId: RunId | ""; readonly message: string } & StepKey)
  /** timers: may be stale; the rows decide. */
  | ({ readonly type: "deadline.passed"; readonly kind: DeadlineKind; readonly due: Instant } & StepKey);

/** The rows the runtime has found for a message; undefined if there is no such row. */
export interface FinalizerFound {
  readonly task?: TaskRow | undefined;
  readonly step?: StepRow | undefined;
  /**
   * Steps the message is about beside its own. For `step.settled` those that depend on it, the batch or
   * map that made it, and that one's next member; for `unfold`, `signal`, `resolve` and the end of a Task
   * that is to be undone every Step; for `map.collect` its members; otherwise those that are not settled.
   */
  readonly steps: readonly StepRow[];
  /** The Task's Runs that are alive or held. */
  readonly runs: readonly RunRow[];
  /** The Task's input, and results of its Steps by name, as JSON text; those the message needs. */
  readonly input?: string;
  readonly outputs: ReadonlyMap<string, string>;
  /** The Step's own input, as JSON text. */
  readonly stepInput?: string;
  /** What the Task is made from; for `child.start` what its child is to be made from. */
  readonly plan?: Plan;
  /** The Task that a Step is. */
  readonly child?: {
    readonly task: TaskRow;
    readonly steps: readonly StepRow[];
    readonly outputs: ReadonlyMap<string, string>;
  };
  /** True if no more Tasks may wait in the namespace. */
  readonly noRoom?: boolean;
  /** A fresh id, where a Task may be made. */
  readonly newTaskId?: TaskId;
  /** Of the Task that undoes this one, if there is one. */
  readonly compensation?: { readonly task: TaskRow; readonly steps: readonly StepRow[] };
  /** What is wrong with the child's input, or with a payload or result, by the template's schema. */
  readonly schemaProblem?: SchemaProblem;
}

export type TaskFinalizerEvent =
  | (TaskFinalizerMessage & Stamped & { readonly found: FinalizerFound })
  | ActorLife;
