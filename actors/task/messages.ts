import type { StepState } from "#domain/task/step";
import type { Reason } from "#domain/task/task";
import type { Instant } from "#domain/time/time";

/** What a Task can be told. `at` is plane time: a machine never reads a clock. */
export type TaskMessage =
  /** task-request, or the finalizer when `start_at_ms` has come. */
  | { readonly type: "start"; readonly at: Instant }
  /** The same two, after `start`: what the first look at the Steps found. */
  | { readonly type: "readyStepsFound"; readonly at: Instant }
  | { readonly type: "noDependenciesReady"; readonly at: Instant }
  | { readonly type: "noStepsFound"; readonly at: Instant }
  /** A Step of it has gone from one state to another. */
  | {
      readonly type: "stepChanged";
      readonly at: Instant;
      readonly stepName: string;
      readonly from: StepState;
      readonly to: StepState;
      /** True if a worker has, or had, the Step. */
      readonly taken: boolean;
      /** True if the Step's failure does not end the Task at once; `isolated`: but in the end. */
      readonly tolerated: boolean;
      readonly isolated: boolean;
      /** True if the Step's failure holds the Task, or did: `to` or `from` is then `error`. */
      readonly held?: true;
      readonly errorMessage: string;
      /** Why it failed, if that is not for its agent's sake. */
      readonly reason?: Reason;
    }
  /** finalizer: a decision, a batch or a map has made more Steps; they are pending. */
  | { readonly type: "stepsAdded"; readonly at: Instant; readonly count: number }
  /** finalizer: so many members of a batch or a map have been dispatched. */
  | { readonly type: "opened"; readonly at: Instant; readonly group: string; readonly count: number }
  /** finalizer: a client, or the worker, wants it to end. */
  | { readonly type: "cancel"; readonly at: Instant; readonly message: string }
  /** finalizer: `timeout_ms` is over. */
  | { readonly type: "timeout"; readonly at: Instant; readonly message: string }
  /** finalizer: a message about it could not be decided; `message` says which. */
  | { readonly type: "abort"; readonly at: Instant; readonly message: string }
  /** finalizer: it was held for an operator for too long. */
  | { readonly type: "giveUp"; readonly at: Instant }
  /** finalizer: an operator declares it done as it is. */
  | { readonly type: "manualResolution"; readonly at: Instant };

/** Why a Task's end ends what is left of it. */
export type EndReason = Extract<Reason, "CANCELLED" | "TIMEOUT" | "STEP_FAILED" | "INTERNAL">;
