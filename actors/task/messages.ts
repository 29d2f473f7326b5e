import type { StepState } from "#domain/step";
import type { Reason } from "#domain/task";
import type { Instant } from "#domain/time";

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
      readonly from: StepState;
      readonly to: StepState;
      readonly errorMessage: string;
    }
  /** finalizer: a client, or the worker, wants it to end. */
  | { readonly type: "cancel"; readonly at: Instant; readonly message: string }
  /** finalizer: `timeout_ms` is over. */
  | { readonly type: "timeout"; readonly at: Instant; readonly message: string }
  /** An operator gives a held Task up, or has put things right by hand. */
  | { readonly type: "giveUp"; readonly at: Instant }
  | { readonly type: "manualResolution"; readonly at: Instant };

/** Why a Task's end ends what is left of it. */
export type EndReason = Extract<Reason, "CANCELLED" | "TIMEOUT" | "STEP_FAILED">;
