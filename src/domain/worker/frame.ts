import { limits } from "#limits/index";
import type { RunId, SessionId, TaskId } from "../id.js";
import type { Labels } from "../task/task.js";
import { clip } from "../text/text.js";
import type { Instant, Millis } from "../time/time.js";

/** A message of the plane to a worker. */
export type WorkerFrame =
  | {
      readonly type: "welcome";
      readonly session: SessionId;
      readonly heartbeat: Millis;
      readonly lease: Millis;
      readonly serverTime: Instant;
      /** A notice for the people who run the worker. */
      readonly notice?: string;
      /** Names this start of this server; absent if its assignments are bound to nothing. */
      readonly incarnation?: string;
    }
  | ({ readonly type: "assign" } & Assignment)
  | { readonly type: "cancel"; readonly runId: RunId; readonly reason: string }
  /** Output with a seq below `nextSeq` is durable. */
  | { readonly type: "ack.output"; readonly runId: RunId; readonly nextSeq: number }
  /** The Run's terminal status is durable: the worker may forget the Run. */
  | { readonly type: "ack.status"; readonly runId: RunId }
  | { readonly type: "ack.heartbeat"; readonly beat: number }
  /** Records of the Step's journal with a seq below `nextSeq` are durable. `childId` is the Task that the last of them has begun. */
  | {
      readonly type: "ack.journal";
      readonly runId: RunId;
      readonly nextSeq: number;
      readonly childId?: TaskId;
    }
  /** Reports of usage with a seq below `nextSeq` are durable. */
  | { readonly type: "ack.usage"; readonly runId: RunId; readonly nextSeq: number }
  | { readonly type: "drain"; readonly reason: string }
  /** The authority has changed: the worker renews its certificate at a moment of its choice within this time. */
  | { readonly type: "renew"; readonly within: Millis };

/** Everything that a worker needs to execute one Run. */
export interface Assignment {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly agentName: string;
  /** JSON text including all parts; empty if the input is read by reference. */
  readonly input: string;
  /** Reference to the Task's input; absent if `input` is complete. */
  readonly inputRef?: InputRef;
  /** Parts to merge into an input that is read by reference, as JSON text of an object; empty if there are none. */
  readonly parts: string;
  readonly labels: Labels;
  readonly issuedAt: Instant;
  /** The Task's deadline; 0 is none. */
  readonly deadlineAt: Instant;
  readonly attempt: number;
  readonly fence: number;
  readonly lease: Millis;
  readonly ordinal: number;
  /** Results of its dependencies, as JSON text by Step name, as many as fit. */
  readonly results: Readonly<Record<string, string>>;
  /** Dependencies whose results did not fit. */
  readonly refs: readonly string[];
  /** Dependencies that have failed and were tolerated. */
  readonly failed: readonly string[];
  /** The span that the worker's are children of; empty if the Task is in no trace. */
  readonly traceparent: string;
  /** How many records the Step's journal has; 0 if none. */
  readonly journalRecords: number;
  /** To whom it is given, and until when; absent for a public worker, which knows of none of this. */
  readonly bound?: Bound;
  /** Length of the whole message on the wire, see `frame-size.ts`. */
  readonly bytes: number;
}

/** What makes an assignment of no use to anybody but one session of one start of the server, and to that only for a while. */
export interface Bound {
  readonly session: SessionId;
  readonly incarnation: string;
  readonly expiresAt: Instant;
}

/** A reference to an input, which the worker reads once for all Runs whose references have the same id. */
export interface InputRef {
  readonly id: string;
  readonly bytes: number;
}

/** The frame with its free text cut to the limit of error messages. */
export function bounded(frame: WorkerFrame): WorkerFrame {
  if (frame.type !== "cancel" && frame.type !== "drain") return frame;
  const reason = clip(frame.reason, limits.errorMessageBytes);
  return reason.length === frame.reason.length ? frame : { ...frame, reason };
}
