import type { RunId } from "../id.js";
import type { Instant } from "../time/time.js";
import type { KeptRecord } from "./journal.js";
import type { RunSummary } from "./run.js";
import type { StepSummary } from "./step.js";
import { isTerminal, type Labels, type Reason, type TaskState } from "./task.js";
import type { UsedModel } from "./usage.js";

/** One entry of a Task's log, as plain JSON. Its seq is its position: 1, 2, 3 … without gaps. */
export type LogEntry =
  | TaskChanged
  | StepChanged
  | RunChanged
  | Output
  | AgentEvent
  | ChatMessage
  | Journaled
  | ModelUsed;

/** The Task is in another state. The entry with the terminal state is the last one of the log. */
export interface TaskChanged {
  readonly type: "task";
  readonly at: Instant;
  readonly state: TaskState;
  readonly hasRun: boolean;
  readonly finishedAt: Instant;
  readonly reason: Reason;
  readonly errorMessage: string;
  /** Why somebody should look at the Task, whose state has not changed; absent if it has. */
  readonly warning?: string;
}

export interface StepChanged {
  readonly type: "step";
  readonly at: Instant;
  readonly step: StepSummary;
}

export interface RunChanged {
  readonly type: "run";
  readonly at: Instant;
  readonly run: RunSummary;
}

/** One chunk of a Run's output, as its worker sent it. `seq` counts from 0 in each Run. */
export interface Output {
  readonly type: "output";
  readonly at: Instant;
  readonly runId: RunId;
  readonly fence: number;
  readonly seq: number;
  readonly content: string;
  readonly isFinal: boolean;
  readonly metadata: Labels;
  readonly sentAt: number;
}

/** An event of the agent, e.g. a tool call. `kind` is its number on the wire, `name` that of one of the agent's own. */
export interface AgentEvent {
  readonly type: "event";
  readonly at: Instant;
  readonly id: string;
  readonly runId: RunId;
  readonly kind: number;
  readonly name?: string;
  readonly sentAt: number;
  readonly metadata: Labels;
}

export interface ChatMessage {
  readonly type: "chat";
  readonly at: Instant;
  readonly runId: RunId;
  readonly role: number;
  readonly content: string;
  readonly sentAt: number;
}

/** A Step's journal has one more record: without its result, and without what it waits for. */
export interface Journaled {
  readonly type: "journal";
  readonly at: Instant;
  readonly stepName: string;
  readonly record: Omit<KeptRecord, "at" | "result" | "wait">;
  readonly resultBytes: number;
}

/** A Run has used something of a model. */
export interface ModelUsed {
  readonly type: "usage";
  readonly at: Instant;
  readonly stepName: string;
  readonly runId: RunId;
  readonly fence: number;
  /** Of the Run's reports of usage, from 0. */
  readonly seq: number;
  /** With what it cost, as it was counted; absent if nobody knows. */
  readonly used: UsedModel;
}

/** Consecutive log entries; `firstSeq` is the seq of `entries[0]`. */
export interface LogSlice {
  readonly firstSeq: number;
  readonly entries: readonly LogEntry[];
}

/** True for the terminal entry, which is the last of a Task's log. */
export function endsLog(entry: LogEntry | undefined): entry is TaskChanged {
  return entry?.type === "task" && isTerminal(entry.state);
}
