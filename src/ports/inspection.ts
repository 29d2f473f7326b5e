import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import type { DeadlineKind } from "#domain/task/deadline";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import type { TaskDetail } from "./store-reads.js";

/**
 * The four actors, by name.
 *
 * @example
 * ```ts
 * import type { InspectedActor } from "taskrun/ports/inspection";
 *
 * const first: InspectedActor = "task-request";
 * ```
 */
export type InspectedActor = "task-request" | "scheduler" | "run-tracker" | "task-finalizer";

/**
 * An actor with its state, or a Task, Step, Run or Worker session with its row, as it was at that moment. Rows are never
 * changed, so that one may be kept.
 *
 * @example
 * ```ts
 * import type { InspectedEntity } from "taskrun/ports/inspection";
 *
 * function stateOf(entity: InspectedEntity): string {
 *   if (entity.kind === "actor") return entity.state;
 *   return entity.kind === "run" ? entity.row.status : entity.row.state;
 * }
 * ```
 */
export type InspectedEntity =
  | { readonly kind: "actor"; readonly name: InspectedActor; readonly state: string }
  | { readonly kind: "task"; readonly row: TaskRow }
  | { readonly kind: "step"; readonly row: StepRow }
  | { readonly kind: "run"; readonly row: RunRow }
  | { readonly kind: "worker"; readonly row: SessionRow };

/**
 * Where a message came from that no actor or lifecycle sent: a client, a worker whose session is not known (yet), a
 * deadline or lease, or the runtime itself.
 *
 * @example
 * ```ts
 * import type { Outside } from "taskrun/ports/inspection";
 *
 * const client: Outside = { kind: "outside", name: "gateway" };
 * ```
 */
export interface Outside {
  readonly kind: "outside";
  readonly name: "gateway" | "worker" | "timer" | "runtime";
}

/**
 * A message as it was decided: its type, and fields that may hold inputs and results. Never pass it on whole.
 *
 * @example
 * ```ts
 * import type { InspectedMessage } from "taskrun/ports/inspection";
 *
 * const message: InspectedMessage = { type: "schedule" };
 * ```
 */
export interface InspectedMessage {
  readonly type: string;
}

/**
 * One thing that happened in a turn.
 *
 * @example
 * ```ts
 * import type { InspectionRecord } from "taskrun/ports/inspection";
 *
 * function lineOf(record: InspectionRecord): string {
 *   switch (record.type) {
 *     case "message":
 *       return `${record.from.kind} tells ${record.to.kind}: ${record.message.type}`;
 *     case "change":
 *       return `${record.after.kind} has changed by ${record.cause.type}`;
 *     case "deadline":
 *       return `${record.stepName || "the task"} waits until ${record.at}`;
 *     case "state":
 *       return `this is a ${record.entity.kind}`;
 *   }
 * }
 * ```
 */
export type InspectionRecord =
  /** A message was decided by an actor or lifecycle, which is given as it was before. */
  | {
      readonly type: "message";
      readonly from: InspectedEntity | Outside;
      readonly to: InspectedEntity;
      readonly message: InspectedMessage;
    }
  /** Something was created (`before` is absent) or has changed, if not always its state. `cause` is the message it followed from. */
  | {
      readonly type: "change";
      readonly before?: InspectedEntity;
      readonly after: InspectedEntity;
      readonly cause: InspectedMessage;
    }
  /** A deadline was set; `at` 0 clears it. The Step name is empty for the Task itself. */
  | ({
      readonly type: "deadline";
      readonly kind: DeadlineKind;
      readonly at: Instant;
      readonly cause: InspectedMessage;
    } & StepKey)
  /** How it is after a turn that began before anybody looked on, so that its messages are not known. */
  | { readonly type: "state"; readonly entity: InspectedEntity };

/**
 * All that happened in one committed turn, in order.
 *
 * @example
 * ```ts
 * import type { TurnRecords } from "taskrun/ports/inspection";
 *
 * function messagesOf({ records }: TurnRecords): string[] {
 *   return records.flatMap((record) => (record.type === "message" ? [record.message.type] : []));
 * }
 * ```
 */
export interface TurnRecords {
  readonly at: Instant;
  readonly records: readonly InspectionRecord[];
  /** The rows that the turn had, as it left them: whoever hears of a Run for the first time finds its Task here. */
  readonly rows: InspectedRows;
}

/**
 * Rows of a turn by their keys; undefined if it had no such row.
 *
 * @example
 * ```ts
 * import type { InspectedRows } from "taskrun/ports/inspection";
 *
 * const none: InspectedRows = { task: () => undefined, step: () => undefined, run: () => undefined };
 * ```
 */
export interface InspectedRows {
  task(id: TaskId): TaskRow | undefined;
  step(key: StepKey): StepRow | undefined;
  run(id: RunId): RunRow | undefined;
}

/**
 * A worker session, and how many Runs its worker holds.
 *
 * @example
 * ```ts
 * import type { InspectedSession } from "taskrun/ports/inspection";
 *
 * const freeSlots = ({ row, held }: InspectedSession) => row.capacity - held;
 * ```
 */
export interface InspectedSession {
  readonly row: SessionRow;
  readonly held: number;
}

/**
 * The present state of the plane, for those who begin to look on. Only what is committed.
 *
 * @example
 * ```ts
 * import type { InspectionSource } from "taskrun/ports/inspection";
 *
 * function slotsInUse(source: InspectionSource): number {
 *   return source.workers().reduce((sum, { held }) => sum + held, 0);
 * }
 * ```
 */
export interface InspectionSource {
  now(): Instant;
  /** The four actors, with their states. */
  actors(): readonly (InspectedEntity & { readonly kind: "actor" })[];
  /** The sessions of workers, with how many Runs each holds. */
  workers(): readonly InspectedSession[];
  /** One of them; undefined if it is gone. */
  worker(session: SessionId): InspectedSession | undefined;
  /** When a session's lease ends unless it is heard before; 0 if it is unknown. */
  leaseUntil(session: SessionId): Instant;
  task(id: TaskId): Promise<TaskDetail | undefined>;
  /** Tasks, newest first. */
  tasks(most: number): Promise<readonly TaskRow[]>;
}

/**
 * Receives what turns have decided, after their commit and in their order. While nobody looks on, it costs the plane a
 * look at `attached`. No member may throw; what `publish` throws is logged once, and the plane goes on.
 *
 * @example A plane that prints the messages of its turns
 * ```ts
 * import { startControlPlane } from "taskrun";
 * import type { Inspection } from "taskrun/ports/inspection";
 * import { memoryStore } from "taskrun/stores/memory";
 *
 * const inspection: Inspection = {
 *   attached: true,
 *   open: () => {},
 *   publish: ({ records }) => {
 *     for (const record of records) if (record.type === "message") console.log(record.message.type);
 *   },
 * };
 * const control = await startControlPlane({ store: memoryStore(), inspection });
 * ```
 */
export interface Inspection {
  /** True while anybody looks on: only then are turns recorded. Read at the beginning and end of each turn. */
  readonly attached: boolean;
  /** Called once, when the plane starts. */
  open(source: InspectionSource): void;
  /** Called after a commit. Must not keep the turn waiting. */
  publish(turn: TurnRecords): void;
}

/**
 * Nobody ever looks on.
 *
 * @example
 * ```ts
 * import { noInspection } from "taskrun/ports/inspection";
 *
 * console.log(noInspection.attached); // false
 * ```
 */
export const noInspection: Inspection = Object.freeze({
  attached: false,
  open: () => undefined,
  publish: () => undefined,
});
