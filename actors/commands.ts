import type { Fault } from "#domain/fault";
import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import type { Pause, PauseScope } from "#domain/pause/pause";
import type { HeldTime, RaisedBudget } from "#domain/task/budget";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { DeadlineKind } from "#domain/task/deadline";
import type { StepJournal, TaskSignals } from "#domain/task/journal";
import type { LogEntry } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow, TaskState } from "#domain/task/task";
import type { Usage } from "#domain/task/usage";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { SessionRow } from "#domain/worker/worker";
import type { WorkerKey } from "#domain/worker/worker-row";
import type { RunMessage } from "./run/messages.js";
import type { RunTrackerMessage } from "./run-tracker/messages.js";
import type { SchedulerMessage } from "./scheduler/messages.js";
import type { StepMessage } from "./step/messages.js";
import type { TaskMessage } from "./task/messages.js";
import type { TaskFinalizerMessage } from "./task-finalizer/messages.js";
import type { TaskRequestMessage } from "./task-request/messages.js";
import type { WorkerMessage } from "./worker/messages.js";

/** A message and the actor it is for. */
export type AddressedMessage =
  | { readonly to: "task-request"; readonly message: TaskRequestMessage }
  | { readonly to: "scheduler"; readonly message: SchedulerMessage }
  | { readonly to: "run-tracker"; readonly message: RunTrackerMessage }
  | { readonly to: "task-finalizer"; readonly message: TaskFinalizerMessage };

export type ActorName = AddressedMessage["to"];

/** An action the runtime carries out. Inside a machine it is a name and its parameters, nothing more. */
function carriedOutByRuntime<Params>() {
  return (_: unknown, _params: Params): void => {
    throw new Error("a machine asks; only the runtime carries out");
  };
}

/**
 * The whole vocabulary of what a machine may ask for. The first group changes rows and is undone if
 * the turn is not committed; the second hands on a message within the turn; the third is performed
 * only after the commit.
 */
export const commands = {
  /** With the results that it has from its beginning, of Steps of another one, which the store copies. */
  createTask: carriedOutByRuntime<{
    readonly task: TaskRow;
    readonly input: string;
    readonly copies?: readonly { readonly from: StepKey; readonly to: StepKey }[];
  }>(),
  createStep: carriedOutByRuntime<{ readonly step: StepRow }>(),
  createRun: carriedOutByRuntime<{ readonly run: RunRow }>(),
  /** A worker session begins; it lives in memory only. */
  attachWorker: carriedOutByRuntime<{ readonly session: SessionRow }>(),
  /** The worker has a newer session on another node: forget this one, with all it holds, which is the other one's to end. */
  forgetWorker: carriedOutByRuntime<{ readonly session: SessionId }>(),
  /** Ask the node that has the worker's stream to drain it, by the worker's row. */
  wishDrain: carriedOutByRuntime<{ readonly key: WorkerKey; readonly reason: string }>(),
  /** This node looks after the Run from now on, and expects its worker. */
  adoptRun: carriedOutByRuntime<{ readonly runId: RunId }>(),
  /** Give a message to a lifecycle; what that asks for is carried out before the next ask. */
  advanceTask: carriedOutByRuntime<{ readonly taskId: TaskId; readonly message: TaskMessage }>(),
  advanceStep: carriedOutByRuntime<StepKey & { readonly message: StepMessage }>(),
  advanceRun: carriedOutByRuntime<{ readonly runId: RunId; readonly message: RunMessage }>(),
  advanceWorker: carriedOutByRuntime<{ readonly session: SessionId; readonly message: WorkerMessage }>(),
  /** More that a Step waits for, and more that wait for it. What it is to wait for changes no state. */
  addDependencies: carriedOutByRuntime<
    StepKey & {
      readonly dependsOn?: readonly string[];
      /** How many of these do not satisfy it yet. */
      readonly unsatisfied?: number;
      readonly dependants?: readonly string[];
      readonly members?: readonly string[];
    }
  >(),
  /** The Task is compensated by the other one. */
  noteCompensation: carriedOutByRuntime<{ readonly taskId: TaskId; readonly compensatedBy: TaskId }>(),
  /** A Task below this one can be compensated. */
  noteCompensableBelow: carriedOutByRuntime<{ readonly taskId: TaskId }>(),
  /** A Run of the Step may have done its work, whatever it ended in. */
  noteInDoubt: carriedOutByRuntime<StepKey>(),
  /** A Run has reported a use of a model: it counts in the Run and in the sums of its namespace, agent and model. */
  countUsage: carriedOutByRuntime<{ readonly runId: RunId; readonly model: string; readonly used: Usage }>(),
  /** The same counts in a Task: as late, if the Task that used it had ended. */
  addUsage: carriedOutByRuntime<{
    readonly taskId: TaskId;
    readonly used: Usage;
    readonly isLate: boolean;
  }>(),
  /** What the Task may use is another from now on, or how long Runs were held of what it may. */
  noteBudget: carriedOutByRuntime<{
    readonly taskId: TaskId;
    readonly budget?: RaisedBudget;
    readonly heldTime?: HeldTime;
  }>(),
  /** Keep a Task's dead letter; replaces an earlier state of it. */
  keepDeadLetter: carriedOutByRuntime<{ readonly row: DeadLetterRow }>(),
  /** The Task's idempotency key may be another's from now on. */
  releaseKey: carriedOutByRuntime<{ readonly taskId: TaskId }>(),
  /** The Task passes through a state in which no commit will ever find it: the log tells of it. */
  pass: carriedOutByRuntime<{ readonly taskId: TaskId; readonly state: TaskState }>(),
  keepTemplate: carriedOutByRuntime<{ readonly template: TemplateRow }>(),
  /** A ready Step waits in another lane from now on, at its rank there. */
  moveStep: carriedOutByRuntime<StepKey & { readonly lane: string }>(),
  /** Give nothing of its scope to workers, in place of an earlier pause of it. */
  keepPause: carriedOutByRuntime<{ readonly pause: Pause }>(),
  /** End the pause of a scope, if there is one. */
  endPause: carriedOutByRuntime<{ readonly scope: PauseScope }>(),
  /** Keep a Step's own input, as JSON text; replaces an earlier one. */
  keepInput: carriedOutByRuntime<StepKey & { readonly json: string }>(),
  /** Keep a Step's result, as JSON text. */
  keepOutput: carriedOutByRuntime<StepKey & { readonly json: string }>(),
  /** Keep what has been done to a Step by hand, as JSON text; replaces an earlier one. */
  keepActions: carriedOutByRuntime<StepKey & { readonly json: string }>(),
  /** Keep a record of a Step's journal, as JSON text; of an empty name the payload of a signal. */
  keepRecord: carriedOutByRuntime<StepKey & { readonly seq: number; readonly json: string }>(),
  /** What a Step's row has of its journal. */
  noteJournal: carriedOutByRuntime<StepKey & { readonly journal: StepJournal }>(),
  /** What a Task's row has of signals that none of its template's Steps takes. */
  noteSignals: carriedOutByRuntime<{ readonly taskId: TaskId; readonly signals: TaskSignals }>(),
  /** Add a line to the Task's log. Changes of state are added by the runtime; this is for what workers say. */
  record: carriedOutByRuntime<{ readonly taskId: TaskId; readonly entry: LogEntry }>(),
  /** Wake the finalizer at `at` or soon after; replaces the deadline of the same kind. */
  setDeadline: carriedOutByRuntime<StepKey & { readonly kind: DeadlineKind; readonly at: Instant }>(),
  clearDeadline: carriedOutByRuntime<StepKey & { readonly kind: DeadlineKind }>(),

  /** Tell another actor, within this cascade. */
  tell: carriedOutByRuntime<AddressedMessage>(),

  /** Answer who asked. Tasks are named by id and answered as they are after the commit. */
  reply: carriedOutByRuntime<{ readonly answer: Answer }>(),
  /**
   * Make what the worker that holds the Run needs, and send it after the commit, at most once. If it cannot be made
   * or sent, the Run hears so at once.
   */
  sendAssignment: carriedOutByRuntime<{ readonly runId: RunId }>(),
  /** Write to a worker's stream; nothing happens if it is gone. */
  send: carriedOutByRuntime<{ readonly session: SessionId; readonly frame: WorkerFrame }>(),
  /** End a worker's stream. */
  disconnect: carriedOutByRuntime<{ readonly session: SessionId; readonly fault: Fault }>(),
  /** Count a report that changed nothing, with why. */
  countRefused: carriedOutByRuntime<{ readonly cause: RefusalCause }>(),
};

/** Why a worker's report changed nothing. A closed set: it labels a metric. */
export type RefusalCause = "unknown" | "foreign" | "stale" | "ended" | "repeated" | "gap" | "invalid";

export type Answer =
  | { readonly type: "tasks"; readonly tasks: readonly (TaskId | Fault)[] }
  | { readonly type: "worker"; readonly session: SessionId }
  | { readonly type: "template"; readonly template: TemplateRow }
  /** The pause that was made, or that was ended; undefined if there was none. */
  | { readonly type: "pause"; readonly pause: Pause | undefined }
  /** To the turn itself: how many placements exceeded the limits in bytes. */
  | { readonly type: "scheduled"; readonly leftOut: number }
  | { readonly type: "fault"; readonly fault: Fault };

type Commands = typeof commands;
type Params<Name extends keyof Commands> = Parameters<Commands[Name]>[1];

/** What a machine asked for, as data. */
export type Command = {
  [Name in keyof Commands]: { readonly type: Name; readonly params: Params<Name> };
}[keyof Commands];
