import type { Caller } from "#domain/caller";
import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import type { Budget } from "#domain/task/budget";
import type { SettableStatus } from "#domain/task/dead-letter";
import type { DeadlineKind } from "#domain/task/deadline";
import type { JournalRecord } from "#domain/task/journal";
import type { StaleTerms } from "#domain/task/staleness";
import type { ResolveAction } from "#domain/task/step";
import type { Usage } from "#domain/task/usage";
import type { TemplateRef } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { RunEnd } from "../run/messages.js";
import type { EndReason } from "../task/messages.js";

/** What task-finalizer can be told. It owns what happens to Tasks and Steps after admission. */
export type TaskFinalizerMessage =
  /** a Run: the Step's Run has ended. Twice is harmless: the Step has moved on. */
  | ({ readonly type: "run.ended"; readonly runId: RunId; readonly end: RunEnd } & StepKey)
  /** a Run: its worker no longer holds it, after its end. In doubt unless the worker has declined it and never began. */
  | ({ readonly type: "run.released"; readonly inDoubt: boolean } & StepKey)
  /** run-tracker: a live Run of the Step has begun or done something that is to be kept. Twice is harmless. */
  | ({
      readonly type: "journal";
      readonly runId: RunId;
      readonly record: JournalRecord;
      /** Where its worker waits for an acknowledgement. */
      readonly session?: SessionId;
    } & StepKey)
  /** run-tracker: a Run of the Task has used something; late if the Task had ended. */
  | {
      readonly type: "usage";
      readonly taskId: TaskId;
      readonly used: Usage;
      readonly isLate: boolean;
      /** The Run has not ended, and may use more. */
      readonly goesOn: boolean;
    }
  /** a Run: it is held from now on (1), or no more (-1), and these Tasks have budgets that bound that. */
  | { readonly type: "run.held"; readonly taskIds: readonly TaskId[]; readonly by: 1 | -1 }
  /** itself: the Step is complete, or its failure is tolerated; Steps that depend on it may go on. */
  | ({ readonly type: "step.satisfied" } & StepKey)
  /** itself: a decision or a batch has its result; the Steps that it asks for are to be made. */
  | ({ readonly type: "expand"; readonly output: string; readonly template: TemplateRef } & StepKey)
  /** itself: a map has begun, and its list is to be spread; or all its members are done. */
  | ({ readonly type: "map.open" } & StepKey)
  | ({ readonly type: "map.collect" } & StepKey)
  /** itself: a Step that is a Task of its own may begin; or that Task has ended. */
  | ({ readonly type: "child.start" } & StepKey)
  | ({ readonly type: "child.ended"; readonly childId: TaskId } & StepKey)
  /** itself: a Step of a compensating Task may begin, or what it waits for goes on no more. Twice is harmless. */
  | ({ readonly type: "compensate.step" } & StepKey)
  /** a Task: it has ended, which compensates this one. */
  | { readonly type: "compensation.ended"; readonly taskId: TaskId }
  /** itself: the Step has begun whose signal came before. */
  | ({ readonly type: "signal.taken" } & StepKey)
  /** client: a payload for a waiting Step, as JSON text. */
  | {
      readonly type: "signal";
      readonly caller: Caller;
      readonly taskId: TaskId;
      readonly signal: string;
      readonly payload: string;
      /** Why, for people. */
      readonly reason: string;
      /** Names the request, or is empty. */
      readonly requestId: string;
    }
  /** operator: put right by hand what failed. An empty Step name means the whole Task. */
  | ({
      readonly type: "resolve";
      readonly caller: Caller;
      readonly action: ResolveAction;
      /** Why, for people. */
      readonly reason: string;
    } & StepKey)
  /** client: more of what the Task's budget bounds. */
  | {
      readonly type: "top.up";
      readonly caller: Caller;
      readonly taskId: TaskId;
      readonly add: Budget;
      /** Why, for people. */
      readonly reason: string;
      /** Names the request; empty if it may be carried out again. */
      readonly requestId: string;
    }
  /** client: end it for good. */
  | { readonly type: "cancel"; readonly caller: Caller; readonly taskId: TaskId; readonly message: string }
  /** itself: the Task has ended; end its Steps and Runs in the same commit, and undo what it did. */
  | { readonly type: "task.ended"; readonly taskId: TaskId; readonly reason: EndReason }
  /** a Task: it has failed for good or is held; or, with a dead letter, it has moved on or ended. Twice is harmless. */
  | { readonly type: "dead.letter"; readonly taskId: TaskId; readonly hasFailed: boolean }
  /** timers: it seems to have rested for too long. May be out of date; the rows decide. */
  | {
      readonly type: "task.stale";
      readonly taskId: TaskId;
      readonly terms: StaleTerms;
      /** Steps of it that an operator has paused. */
      readonly pausedSteps: readonly string[];
    }
  /** operator: what became of a dead letter. What is undefined stays as it is. */
  | {
      readonly type: "update.dead.letter";
      readonly caller: Caller;
      readonly taskId: TaskId;
      readonly status: SettableStatus | undefined;
      readonly notes: string | undefined;
    }
  /** runtime: a message about these failed to be decided. Empty Step and Run mean the whole Task. */
  | ({ readonly type: "abort"; readonly runId: RunId | ""; readonly message: string } & StepKey)
  /** timers: may be stale; the rows decide. */
  | ({ readonly type: "deadline.passed"; readonly kind: DeadlineKind; readonly due: Instant } & StepKey);
