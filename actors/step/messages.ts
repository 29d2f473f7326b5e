import type { RunId, TaskId, WorkerId } from "#domain/id";
import type { Reason } from "#domain/task/task";
import type { Instant } from "#domain/time/time";

/** What a Step can be told. */
export type StepMessage =
  /** finalizer: one of the Steps it depends on is done, or has failed in a way that is not its concern. */
  | { readonly type: "dependencySatisfied"; readonly at: Instant }
  /** task-request, finalizer: it may run; wait for a worker at this place. */
  | { readonly type: "enqueue"; readonly at: Instant; readonly lane: string; readonly rank: number }
  /** task-request, finalizer: it may run, and needs no worker: it waits for its timer, signal, members or Task. */
  | { readonly type: "begin"; readonly at: Instant; readonly childId: TaskId | "" }
  /** scheduler: it is assigned to a worker, as this Run. */
  | { readonly type: "start"; readonly at: Instant; readonly runId: RunId }
  /** finalizer: its signal has come before it waits for one. */
  | { readonly type: "signalled"; readonly at: Instant; readonly outputBytes: number }
  /** finalizer: its Run, or what it waited for, brought a result. */
  | { readonly type: "succeeded"; readonly at: Instant; readonly outputBytes: number }
  /** finalizer: its Run failed, or what it waited for went wrong. */
  | { readonly type: "failed"; readonly at: Instant; readonly errorMessage: string }
  /** finalizer: its Run was lost. Costs a loss and no attempt; it goes not to the same worker before `avoidUntil`. */
  | {
      readonly type: "lost";
      readonly at: Instant;
      readonly errorMessage: string;
      readonly avoidWorker: WorkerId;
      readonly avoidUntil: Instant;
    }
  /** finalizer: the result is accepted. `order` counts the Task's completed Steps. */
  | { readonly type: "complete"; readonly at: Instant; readonly order: number }
  /** finalizer: attempts remain; wait until then. Of a pending Step: it may run, once a worker lets go of its last Run. */
  | { readonly type: "waitForRetry"; readonly at: Instant; readonly until: Instant }
  /** finalizer: no attempt remains, or none would help; or the result cannot be followed. */
  | {
      readonly type: "fail";
      readonly at: Instant;
      readonly errorMessage: string;
      /** What the Task's reason becomes; STEP_FAILED if absent. */
      readonly reason?: Reason;
    }
  /** finalizer, scheduler: a budget is used up that bounds its Task. Costs no attempt; it goes on when the budget is raised. */
  | { readonly type: "budgetExceeded"; readonly at: Instant; readonly errorMessage: string }
  /** finalizer: no budget keeps it from going on any more. */
  | { readonly type: "budgetRaised"; readonly at: Instant }
  /** finalizer: the wait is over. */
  | { readonly type: "retry"; readonly at: Instant }
  /**
   * finalizer: its Run stopped at a checkpoint; the next one goes on from there, not before `until`,
   * where 0 is at once. Costs no attempt. `fruitless` counts those in a row that came no further.
   */
  | {
      readonly type: "yielded";
      readonly at: Instant;
      readonly until: Instant;
      readonly fruitless: number;
      readonly lane: string;
      readonly rank: number;
    }
  /** finalizer: its Run has ended until one of these entries of its journal is over. Costs no attempt. */
  | { readonly type: "suspended"; readonly at: Instant; readonly entries: readonly number[] }
  /** finalizer: one of them is: it goes on in another Run. */
  | { readonly type: "woken"; readonly at: Instant; readonly lane: string; readonly rank: number }
  /**
   * finalizer: the worker never began, or gave it back. It goes to no worker before `until`, where 0 is at once,
   * and not to the same one before `avoidUntil`. Costs no attempt.
   */
  | {
      readonly type: "handBack";
      readonly at: Instant;
      readonly until: Instant;
      readonly lane: string;
      readonly rank: number;
      readonly avoidWorker: WorkerId;
      readonly avoidUntil: Instant;
    }
  /** finalizer: the Task has ended. */
  | { readonly type: "cancel"; readonly at: Instant }
  /** An operator resolves it by hand, or has it tried anew with all its attempts. */
  | {
      readonly type: "completeManually";
      readonly at: Instant;
      readonly outputBytes: number;
      readonly order: number;
    }
  | { readonly type: "resolveManually"; readonly at: Instant; readonly order: number }
  | { readonly type: "resetForRetry"; readonly at: Instant };
