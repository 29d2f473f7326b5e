import type { Expansion } from "#domain/graph/graph";
import type { Plan } from "#domain/graph/plan";
import type { DeadlineKind } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";

/** Steps to be made, with their own inputs as JSON text. */
export interface ExpansionWithInputs {
  readonly expansion: Expansion;
  readonly inputs: ReadonlyMap<string, string>;
}

/** All that sets one type of Step apart from the others. What is absent, Steps of the type do not do. */
export interface StepBehavior {
  /** What a Step does once it may run: it is queued for a worker, or begins by itself. */
  dispatch(task: TaskRow, step: StepRow, at: Instant): Command[];

  /**
   * What follows from a worker's result, which has been kept: the Step is complete, or is to be expanded first. Only of
   * types that are queued for a worker.
   */
  accept?(task: TaskRow, step: StepRow, output: string, at: Instant): Command[];

  /** The Steps that a kept result asks for, or, as the end of a sentence, why it cannot be followed. */
  expand?(plan: Plan, step: StepRow, steps: readonly StepRow[], output: string): ExpansionWithInputs | string;

  /** The deadline that `dispatch` sets while the Step is in progress, and what happens when it passes. */
  readonly deadline?: {
    readonly kind: DeadlineKind;
    passed(task: TaskRow, step: StepRow, at: Instant): Command[];
  };

  /** The client's signal that it waits for. */
  readonly signal?: {
    name(step: StepRow): string;
    /** The payload has come and has been kept while the Step is in progress. */
    received(task: TaskRow, step: StepRow, payload: string, at: Instant): Command[];
  };

  /** What else ends with the Step when its Task ends while it is in progress; its own deadline does so anyway. */
  taskEnded?(step: StepRow, at: Instant): Command[];

  /** Set if an operator may not give a Step of the type a result: why, as the end of a sentence. */
  readonly resultRefused?: string;
}
