import type { ModelBackend, RunStatus } from "#domain/run";
import type { StepState } from "#domain/step";
import type { Labels, TaskState, TaskStatus } from "#domain/task";
import type { StepType } from "#domain/template";
import type { WorkerStatus } from "#domain/worker";

/**
 * What the client answers with: plain objects. States are the official words, times are Unix milliseconds
 * (0 when not set), durations are milliseconds, and inputs and results are JSON text beside which
 * {@link inputOf} and {@link outputOf} stand to read it.
 */
export interface Task {
  readonly id: string;
  /** Empty if the Task was made from a template. */
  readonly agent: string;
  readonly namespace: string;
  readonly status: TaskStatus | "UNSPECIFIED";
  /** Where it stands in more detail than `status`. */
  readonly state: TaskState | "unspecified";
  /** Empty where the server leaves it out: in lists and in events. */
  readonly inputJson: string;
  /** Empty unless COMPLETED with a result. */
  readonly outputJson: string;
  /** Why it failed, for people. */
  readonly errorMessage: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly finishedAtMs: number;
  readonly labels: Labels;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly template?: TemplateRef;
  readonly workerSelector: Labels;
  readonly correlationId: string;
  readonly startAtMs: number;
  /** The id of the Task that this one does again, or empty. */
  readonly retryOf: string;
  /** The Task of which this one is a Step, and the Step's name; empty if none. */
  readonly parentTaskId: string;
  readonly parentStepName: string;
  /** The Task whose completed Steps this one undoes, or empty. */
  readonly compensates: string;
  /** The Task that undoes this one's completed Steps, or empty. */
  readonly compensatedBy: string;
  /** In an order in which they can be run; empty in lists and events. */
  readonly steps: readonly Step[];
  /** The oldest first; empty in events. */
  readonly runs: readonly Run[];
}

export interface TemplateRef {
  /** Empty means the Task's own. */
  readonly namespace: string;
  readonly name: string;
  /** Empty means the newest. */
  readonly version: string;
}

export interface Step {
  readonly name: string;
  readonly state: StepState | "unspecified";
  readonly agent: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly nextAttemptAtMs: number;
  readonly dependsOn: readonly string[];
  /** Empty if there is no result, or one too large to travel along: then `tasks.stepResult` reads it. */
  readonly outputJson: string;
  readonly outputBytes: number;
  readonly errorMessage: string;
  /** What it is, for example `standard` or `map`; a newer server may know more. */
  readonly type: StepType | (string & {});
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** The Task that this Step is, or empty. */
  readonly childTaskId: string;
}

/** A registered template, as lists have it. It never changes. */
export interface Template {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly stepCount: number;
  readonly registeredAtMs: number;
  /** SHA-256 of its canonical body. */
  readonly digest: string;
}

export interface WholeTemplate extends Template {
  /** The text it was registered with. */
  readonly source: string;
  /** Its body as JSON text, in the words of the YAML. */
  readonly bodyJson: string;
}

/** Something to know about a template. */
export interface Finding {
  /** For programs, for example `CYCLE_DETECTED`. */
  readonly code: string;
  /** Only an error keeps a template from being registered. */
  readonly severity: "error" | "warning" | "info" | (string & {});
  readonly message: string;
  /** Empty if the whole template is meant. */
  readonly stepName: string;
  /** Where in the text, from 1; 0 if it cannot be said. */
  readonly line: number;
  readonly column: number;
}

/** One attempt of a Step on a Worker. */
export interface Run {
  readonly id: string;
  readonly workerId: string;
  readonly status: RunStatus | "UNSPECIFIED";
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly backendUsed?: ModelBackend;
  readonly errorMessage: string;
  readonly attempt: number;
  readonly stepName: string;
  /** Why it ended as it did, for programs; empty if it just succeeded. */
  readonly reason: string;
  readonly fence: number;
}

export interface Worker {
  readonly id: string;
  readonly hostname: string;
  readonly version: string;
  readonly status: WorkerStatus | "UNSPECIFIED";
  readonly agents: readonly Agent[];
  readonly labels: Labels;
  readonly activeRuns: number;
  readonly maxConcurrentRuns: number;
  readonly lastHeartbeatMs: number;
}

export interface Agent {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly ModelBackend[];
}

/** One thing that happened to a Task. `seq` counts from 1 without gaps; `atMs` is when the server recorded it. */
export type TaskEvent = { readonly seq: number; readonly taskId: string; readonly atMs: number } & (
  | { readonly type: "task"; readonly task: Task }
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "run"; readonly run: Run }
  | { readonly type: "output"; readonly output: OutputChunk }
  | { readonly type: "event"; readonly event: AgentEvent }
  | { readonly type: "chat"; readonly chat: ChatMessage }
);

export interface OutputChunk {
  readonly runId: string;
  /** Counts the chunks of one turn of the Run from 0. */
  readonly seq: number;
  readonly content: string;
  readonly isFinal: boolean;
  readonly metadata: Labels;
  /** When it was produced, by the worker's clock. */
  readonly sentAtMs: number;
  readonly fence: number;
  readonly turn: number;
}

export interface AgentEvent {
  readonly id: string;
  readonly runId: string;
  /** For example `TOOL_REQUESTED`. */
  readonly kind: string;
  readonly sentAtMs: number;
  readonly metadata: Labels;
}

export interface ChatMessage {
  readonly runId: string;
  readonly role: "USER" | "ASSISTANT" | "SYSTEM" | "UNSPECIFIED";
  readonly content: string;
  readonly sentAtMs: number;
}

/** The Task's input, parsed; undefined where the answer carries none. */
export function inputOf<Input = unknown>(task: Pick<Task, "inputJson">): Input | undefined {
  return task.inputJson === "" ? undefined : (JSON.parse(task.inputJson) as Input);
}

/** The result of a Task or Step, parsed; undefined if it has none. */
export function outputOf<Output = unknown>(ended: Pick<Task, "outputJson">): Output | undefined {
  return ended.outputJson === "" ? undefined : (JSON.parse(ended.outputJson) as Output);
}

/** True if nothing more will happen to the Task. */
export function hasEnded({ status }: Pick<Task, "status">): boolean {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}
