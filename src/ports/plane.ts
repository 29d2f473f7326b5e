import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { TaskId, WorkerId } from "#domain/id";
import type { LogSlice } from "#domain/task/log";
import type { WorkerReport } from "#domain/task/report";
import type { RunSummary } from "#domain/task/run";
import type { ResolveAction, StepSummary } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { LeaseTerms, WorkerView } from "#domain/worker/worker";
import type { Reads } from "./store.js";

/**
 * What can be done with the plane. The only way in: use cases never see an actor or a row's writer.
 *
 * All that is read through it is committed. Every change is answered after its commit.
 */
export interface Plane extends TaskPlane, TemplatePlane, WorkerPlane {
  readonly reads: Reads;
  readonly terms: LeaseTerms;
  /** True while requests are served; false while starting and draining. */
  readonly ready: boolean;
  /** What an operator should look at; empty in a plane that is well. */
  readonly health: PlaneHealth;
}

export interface TaskPlane {
  /**
   * Creates all of them in one commit; the answers keep the order. A draft whose idempotency key is
   * known answers with the Task that holds it.
   *
   * @throws {Fault} `overloaded` if the mailbox is full; then nothing was stored.
   */
  submit(caller: Caller, drafts: readonly TaskDraft[]): Promise<readonly (Receipt | Fault)[]>;

  /** @throws {Fault} `not_found`, or `wrong_state` if the Task has already ended. */
  cancel(caller: Caller, taskId: TaskId, reason: string): Promise<Receipt>;

  /**
   * Gives a waiting Step its payload, also one that does not wait yet. The same payload twice is once.
   *
   * @param signal what the template calls it
   * @throws {Fault} `not_found`, or `wrong_state` if the Task has ended, the Step is settled, or another
   *   payload came first
   */
  signal(caller: Caller, taskId: TaskId, signal: string, payload: string): Promise<Receipt>;

  /**
   * An operator resolves by hand what failed for good, in a Task that is held for it.
   *
   * @throws {Fault} `not_found`, or `wrong_state` if the Task has ended or the Step has not failed
   */
  resolve(caller: Caller, taskId: TaskId, stepName: string, action: ResolveAction): Promise<Receipt>;

  /**
   * The Task's log from after `afterSeq`, live, until its terminal entry. Reads at the pace of the
   * consumer and keeps nothing for it.
   *
   * @throws {Fault} `not_found`, `cursor_expired`, `cursor_ahead`, `overloaded` (too many watchers)
   */
  watch(caller: Caller, taskId: TaskId, afterSeq: number, signal: AbortSignal): AsyncIterable<LogSlice>;
}

export interface TemplatePlane {
  /**
   * Makes the template known for good. One that is there already with the same body is answered as it is.
   *
   * @throws {Fault} `template_conflict` if this version has another body, `overloaded` if the namespace
   *   has too many
   */
  register(caller: Caller, template: Omit<TemplateRow, "registeredAt">): Promise<TemplateRow>;
}

export interface WorkerPlane {
  /** @throws {Fault} `not_found` if no such worker is connected. */
  drainWorker(caller: Caller, workerId: WorkerId, reason: string): Promise<WorkerView>;

  /** Connected workers, in no order, as the last commit left them. */
  workers(caller: Caller): readonly WorkerView[];

  /** A worker's stream begins. Speak through what is returned; hear through the sink. */
  connect(caller: Caller, sink: WorkerSink): WorkerLink;
}

/** Trouble that does not keep the plane from serving. */
export interface PlaneHealth {
  /** Messages that cannot be decided and are tried again later: so many, since when, and when the next one is tried. */
  readonly parked?: { readonly count: number; readonly since: Instant; readonly next: Instant };
  /** The wall clock at the start, which is too far from the last instant that the store remembers. */
  readonly clock?: { readonly wall: Instant; readonly remembered: Instant; readonly message: string };
}

/** A Task as it stands right after the commit that answers for it, with those of its Steps and Runs the turn has seen. */
export interface Receipt {
  readonly task: TaskRow;
  readonly steps: readonly StepSummary[];
  readonly runs: readonly RunSummary[];
}

/** The plane's end of a worker's stream, given by a gateway. */
export interface WorkerSink {
  /** Bytes of frames given to `send` that the peer's transport has not taken yet. */
  readonly unsentBytes: number;
  /** Writes a frame, or keeps it in the transport's bounded buffer. */
  send(frame: WorkerFrame): void;
  /** Ends the stream; the worker may come back. */
  close(fault: Fault): void;
}

/** A gateway's end of a worker's stream. */
export interface WorkerLink {
  /**
   * What the worker says, in order. Resolves when the plane can take more: the gateway awaits it before
   * it reads on, so that a full mailbox becomes an unread stream.
   *
   * @throws {Fault} if the worker broke the protocol: the gateway ends the stream with it.
   */
  receive(report: WorkerReport): Promise<void>;
  /** Much of what waited has been taken: say so when the sink's `unsentBytes` comes down to half of its bound, or to 0. */
  drained(): void;
  /** The stream has ended, however it did. Call once. */
  closed(): void;
}

export type { WorkerReport } from "#domain/task/report";
