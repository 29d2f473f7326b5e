import type { TaskId } from "#domain/id";
import type { WorkerProcess } from "#domain/refusals";
import type { Instant } from "#domain/time/time";
import type { AgentSpec, WorkerStatus } from "#domain/worker/worker";

/** What a worker session can be told. */
export type WorkerMessage =
  /** worker: its status, its capacity or what it runs has changed. What is absent is unchanged. */
  | {
      readonly type: "beat";
      readonly at: Instant;
      readonly status: WorkerStatus;
      readonly capacity?: number;
      readonly agents?: readonly AgentSpec[];
      readonly lostTasks?: readonly TaskId[];
    }
  /** operator: give it no more Runs. */
  | { readonly type: "drain"; readonly at: Instant; readonly message: string }
  /** gateway: its stream has ended. */
  | { readonly type: "closed"; readonly at: Instant }
  /** timers: its lease has ended. */
  | { readonly type: "silent"; readonly at: Instant }
  /** The same worker has said hello on another stream; `by` is the process, if it is known to be another one. */
  | { readonly type: "superseded"; readonly at: Instant; readonly by?: WorkerProcess };
