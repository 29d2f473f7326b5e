import { limits } from "#limits/index";
import type { RunId, SessionId, TaskId } from "../id.js";
import type { Labels } from "../task/task.js";
import { clip } from "../text/text.js";
import type { Instant, Millis } from "../time/time.js";

/** What the plane writes to a worker's stream. */
export type WorkerFrame =
  | {
      readonly type: "welcome";
      readonly session: SessionId;
      readonly heartbeat: Millis;
      readonly lease: Millis;
      readonly serverTime: Instant;
      /** Something a person at the worker should read. */
      readonly notice?: string;
    }
  | ({ readonly type: "assign" } & Assignment)
  | { readonly type: "cancel"; readonly runId: RunId; readonly reason: string }
  /** Output before `nextSeq` is durable. */
  | { readonly type: "ack.output"; readonly runId: RunId; readonly nextSeq: number }
  /** The Run's terminal status is recorded: the worker may forget it. */
  | { readonly type: "ack.status"; readonly runId: RunId }
  | { readonly type: "ack.heartbeat"; readonly beat: number }
  | { readonly type: "drain"; readonly reason: string };

/** Everything a worker needs to carry out one Run. */
export interface Assignment {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly agentName: string;
  /** JSON text with all parts in it; empty if it is read by reference. */
  readonly input: string;
  /** Where the Task's input is read; absent if `input` is all there is to know. */
  readonly inputRef?: InputRef;
  /** What is laid over an input that is read by reference: JSON text of an object; empty if nothing is. */
  readonly parts: string;
  readonly labels: Labels;
  readonly issuedAt: Instant;
  /** The Task's deadline; 0 is none. */
  readonly deadlineAt: Instant;
  readonly attempt: number;
  readonly fence: number;
  readonly lease: Millis;
  readonly ordinal: number;
  /** Results of the Steps it depends on, as JSON text by Step name, as far as they fit. */
  readonly results: Readonly<Record<string, string>>;
  /** Steps it depends on whose results did not fit. */
  readonly refs: readonly string[];
  /** Steps it depends on that failed and were passed over. */
  readonly failed: readonly string[];
  /** Length of the whole message on the wire, see `frame-size.ts`. */
  readonly bytes: number;
}

/** An input that the worker reads by itself, once for all Runs whose references have the same id. */
export interface InputRef {
  readonly id: string;
  readonly bytes: number;
}

/** A frame whose free text is cut to what an error message may have. */
export function bounded(frame: WorkerFrame): WorkerFrame {
  if (frame.type !== "cancel" && frame.type !== "drain") return frame;
  const reason = clip(frame.reason, limits.errorMessageBytes);
  return reason.length === frame.reason.length ? frame : { ...frame, reason };
}
