import type { SessionId, WorkerId } from "#domain/id";
import type { DurableFailure, FailureReason } from "#domain/task/report";
import type { ModelBackend } from "#domain/task/run";
import type { Reason } from "#domain/task/task";
import type { SchemaReason } from "#domain/template/verdict";
import type { Instant, Millis } from "#domain/time/time";

/** What one Run can be told. All but `assign` and `end` come from run-tracker. */
export type RunMessage =
  /** scheduler: the worker's session holds it from now on. */
  | { readonly type: "assign"; readonly at: Instant }
  /** worker: the agent is at work. */
  | { readonly type: "started"; readonly at: Instant }
  /** worker: `count` more chunks, or an event or a message, of `bytes` in all. */
  | { readonly type: "wrote"; readonly at: Instant; readonly count: number; readonly bytes: number }
  /** worker: the agent is done. The last word. */
  | {
      readonly type: "completed";
      readonly at: Instant;
      readonly backend: ModelBackend | null;
      /** JSON text, or empty. */
      readonly output: string;
      readonly outputBytes: number;
    }
  /** worker: the agent has failed. The last word. */
  | {
      readonly type: "failed";
      readonly at: Instant;
      readonly backend: ModelBackend | null;
      readonly errorMessage: string;
      readonly errorDetail?: string;
      readonly retryable: boolean;
      readonly retryAfter: Millis;
      /** Absent where it is what the agent threw: its result could not be checked, or is too much. */
      readonly reason?: FailureReason | SchemaReason;
      /** True if the agent has done its work, or may have, and its result does not count. */
      readonly inDoubt?: boolean;
    }
  /** worker: it was stopped, without our asking. The last word. */
  | { readonly type: "cancelled"; readonly at: Instant; readonly errorMessage: string }
  /** worker: it stops at a checkpoint, to go on in another Run. The last word. */
  | { readonly type: "yielded"; readonly at: Instant; readonly cursor: string; readonly output: string }
  /** worker: it stops until one of these entries of its Step's journal is over. The last word. */
  | { readonly type: "suspended"; readonly at: Instant; readonly entries: readonly number[] }
  /** worker: I never began, or I must go. The last word. */
  | { readonly type: "declined"; readonly at: Instant; readonly message: string }
  /** The plane breaks it off: too much output, output the worker no longer has, or a report it cannot accept. */
  | { readonly type: "broken"; readonly at: Instant; readonly reason: Reason; readonly message: string }
  /** The plane cannot make or send the assignment, and never will: the worker has not heard of the Run. */
  | {
      readonly type: "undeliverable";
      readonly at: Instant;
      readonly reason: Reason;
      readonly message: string;
    }
  /** The worker is silent, or has forgotten the Run. */
  | { readonly type: "lost"; readonly at: Instant; readonly message: string }
  /** finalizer: the Task has ended, and the Run with it. */
  | { readonly type: "end"; readonly at: Instant; readonly reason: Reason; readonly message: string }
  /** The worker is back on another session. */
  | { readonly type: "resumed"; readonly at: Instant; readonly session: SessionId }
  /** The worker that held the ended Run no longer does. */
  | { readonly type: "released"; readonly at: Instant };

/** Why a Run was lost. */
export type LossReason = Extract<Reason, "WORKER_LOST" | "OUTPUT_LOST">;

/** How a Run ended, as far as its Step is concerned. */
export type RunEnd =
  | { readonly how: "completed"; readonly output: string; readonly outputBytes: number }
  | {
      readonly how: "failed";
      readonly errorMessage: string;
      readonly retryable: boolean;
      /** The agent's hint; 0 is none. */
      readonly retryAfter: Millis;
      readonly inDoubt?: boolean;
      /** Why no other attempt would do better; absent of any other failure. */
      readonly reason?: DurableFailure;
    }
  /** The Step continues from the cursor in another Run. Both are JSON text; the output may be empty. */
  | {
      readonly how: "yielded";
      readonly cursor: string;
      readonly output: string;
      /** When the Run was given out. */
      readonly startedAt: Instant;
    }
  /** The Step waits without a Run until one of these entries of its journal is over. */
  | { readonly how: "suspended"; readonly entries: readonly number[] }
  /** The worker is gone, or what the Run had written: costs a loss and no attempt. */
  | {
      readonly how: "lost";
      readonly reason: LossReason;
      readonly workerId: WorkerId;
      readonly errorMessage: string;
    }
  /** The worker never began, or gave it back: costs no attempt. In doubt is what had begun. */
  | {
      readonly how: "handedBack";
      readonly workerId: WorkerId;
      readonly message: string;
      readonly inDoubt?: boolean;
    }
  | { readonly how: "cancelled"; readonly errorMessage: string };
