import type { RunId, WorkerId } from "#domain/id";
import type { Instant } from "#domain/time";

/** What a Step can be told. */
export type StepMessage =
  /** task-request, finalizer: it may run; wait for a worker at this place. */
  | { readonly type: "enqueue"; readonly at: Instant; readonly lane: string; readonly rank: number }
  /** scheduler: a worker takes it; this is its Run. */
  | { readonly type: "start"; readonly at: Instant; readonly runId: RunId }
  /** finalizer: its Run brought a result. */
  | { readonly type: "succeeded"; readonly at: Instant; readonly outputBytes: number }
  /** finalizer: its Run failed or was lost. */
  | { readonly type: "failed"; readonly at: Instant; readonly errorMessage: string }
  /** finalizer: the result is accepted. */
  | { readonly type: "complete"; readonly at: Instant }
  /** finalizer: attempts remain; wait until then. */
  | { readonly type: "waitForRetry"; readonly at: Instant; readonly until: Instant }
  /** finalizer: no attempt remains, or none would help. */
  | { readonly type: "fail"; readonly at: Instant }
  /** finalizer: the wait is over. */
  | { readonly type: "retry"; readonly at: Instant }
  /** finalizer: the worker never began, or gave it back. Costs no attempt; another worker is preferred. */
  | {
      readonly type: "handBack";
      readonly at: Instant;
      readonly lane: string;
      readonly rank: number;
      readonly avoidWorker: WorkerId;
      readonly avoidUntil: Instant;
    }
  /** finalizer: the Task has ended. */
  | { readonly type: "cancel"; readonly at: Instant }
  /** An operator settles a failed Step by hand. */
  | { readonly type: "completeManually"; readonly at: Instant }
  | { readonly type: "resolveManually"; readonly at: Instant };
