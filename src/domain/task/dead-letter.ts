import type { RunId, TaskId, WorkerId } from "../id.js";
import type { TemplateRef } from "../template/template.js";
import { type Instant, instant, NEVER } from "../time/time.js";
import type { Reason, TaskState } from "./task.js";

/** What became of a dead letter, in the order of the numbers on the wire. */
export const deadLetterStatuses = [
  /** Somebody has to look at it. */
  "PENDING",
  /** An operator has put it right: by hand, or by a Task that does the work again. */
  "MANUALLY_RESOLVED",
  /** An operator has decided that it stays as it is. */
  "PERMANENTLY_FAILED",
  /** Nobody wants it any more. */
  "CANCELLED",
  /** The Task goes on, or has ended well, so that there is nothing left to look at. */
  "MOVED_ON",
] as const;
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** The statuses that an operator may give a dead letter. `MOVED_ON` is the plane's word alone. */
export const settableStatuses = [
  "PENDING",
  "MANUALLY_RESOLVED",
  "PERMANENTLY_FAILED",
  "CANCELLED",
] as const satisfies readonly DeadLetterStatus[];
export type SettableStatus = (typeof settableStatuses)[number];

/**
 * Why a Task needs a person, in the order of the numbers on the wire, each with the priority with which it is to be looked
 * at: one point is worth a minute of waiting. A closed set: it labels a metric.
 */
export const deadLetterReasons = {
  /** Each of its Runs was lost, one more than `max_losses`: it may be what ends its workers, and others will follow. */
  POISONED: 1_000,
  /** The plane itself could not decide a message about it. */
  INTERNAL: 1_000,
  /** An agent failed in its last attempt, or said that no further one is of use. */
  ATTEMPTS_EXHAUSTED: 500,
  /** The Task, a Step of it or its last attempt took longer than it may. */
  TIMED_OUT: 500,
  /** The agent succeeded, but nothing could be made of its result. */
  RESULT_REFUSED: 500,
  /** No worker could be given it: its input refers to what is not there, it is too large, or all decline it. */
  UNDELIVERABLE: 500,
  /** A Step has failed for good, and the Task is held for an operator. */
  HELD: 200,
  /** It has been in one state for longer than it should, and nothing is ahead that will change that. */
  STALE: 100,
} as const satisfies Record<string, number>;
export type DeadLetterReason = keyof typeof deadLetterReasons;
export const deadLetterReasonNames = Object.keys(deadLetterReasons) as readonly DeadLetterReason[];

/** True if the plane closes such a dead letter by itself, once the Task moves on. The others are of Tasks that have ended. */
export function closesByItself(reason: DeadLetterReason): boolean {
  return reason === "HELD" || reason === "STALE";
}

/** The place at which a failure began: the Step that failed first, of the Task itself or of a Task below it. */
export interface DeadLetterCause {
  readonly taskId: TaskId;
  /** Empty if the Task failed as a whole. */
  readonly stepName: string;
  readonly agentName: string;
  readonly message: string;
}

/** The Task as it was when the dead letter was made. */
export interface DeadLetterSnapshot {
  readonly state: TaskState;
  /** The agent of a Task without a template; empty if it has one. */
  readonly agentName: string;
  readonly template: TemplateRef | null;
  /** The Step that failed, or that is stale; empty if it is the Task as a whole. */
  readonly stepName: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly losses: number;
  readonly maxLosses: number;
  /** The Task's reason, and its error message, or what is known of why it is stale. */
  readonly taskReason: Reason;
  readonly message: string;
  /** The last Run of the Step, and its worker; empty if there was none. */
  readonly runId: RunId | "";
  readonly workerId: WorkerId | "";
  readonly cause: DeadLetterCause | null;
}

/** An earlier time for which the Task was a dead letter. */
export interface DeadLetterPeriod {
  readonly reason: DeadLetterReason;
  readonly status: DeadLetterStatus;
  readonly createdAt: Instant;
  readonly closedAt: Instant;
  readonly resolvedBy: string;
}

/**
 * The record of a Task that needs a person. It is for looking into what happened: the Task stays where it is, and what is
 * done about it is done with the Task.
 *
 * A Task has at most one, whose id is the Task's: a Task that is held, goes on and fails in the end has one row, which says so. It
 * is written in the commit that it tells of.
 */
export interface DeadLetterRow {
  readonly taskId: TaskId;
  readonly namespace: string;
  readonly revision: number;
  readonly reason: DeadLetterReason;
  readonly status: DeadLetterStatus;
  /** Its place among those to look at, lower first: when it was made, minus a minute for each point of its priority. */
  readonly rank: number;
  readonly createdAt: Instant;
  /** {@link NEVER} while it is pending. */
  readonly closedAt: Instant;
  /** What operators have written. */
  readonly notes: string;
  /** The principal that has given it its status; empty if the plane has. */
  readonly resolvedBy: string;
  readonly snapshot: DeadLetterSnapshot;
  /** The Task that does the work again, or empty. */
  readonly redrivenAs: TaskId | "";
  /** Earlier times, oldest first; of many the latest. */
  readonly earlier: readonly DeadLetterPeriod[];
}

const MINUTE = 60_000;

/** Earlier times that a dead letter keeps. */
const EARLIER = 10;

/** What a dead letter is made of. */
export type DeadLetterContent = Pick<DeadLetterRow, "taskId" | "namespace" | "reason" | "snapshot">;

/** The dead letter of a Task that needs a person from now on. @param before the one that it had before */
export function openedLetter(
  content: DeadLetterContent,
  before: DeadLetterRow | undefined,
  at: Instant,
): DeadLetterRow {
  return {
    ...content,
    revision: before?.revision ?? 0,
    status: "PENDING",
    rank: at - deadLetterReasons[content.reason] * MINUTE,
    createdAt: at,
    closedAt: NEVER,
    notes: before?.notes ?? "",
    resolvedBy: "",
    redrivenAs: "",
    earlier: before ? [...before.earlier, periodOf(before, at)].slice(-EARLIER) : [],
  };
}

/** One that is pending ends with the next one. */
function periodOf(row: DeadLetterRow, at: Instant): DeadLetterPeriod {
  const { reason, createdAt, resolvedBy } = row;
  const isPending = row.status === "PENDING";
  return {
    ...{ reason, createdAt, resolvedBy },
    status: isPending ? "MOVED_ON" : row.status,
    closedAt: isPending ? at : row.closedAt,
  };
}

/** A dead letter with the status that it has from now on. */
export function withStatus(
  row: DeadLetterRow,
  status: DeadLetterStatus,
  resolvedBy: string,
  at: Instant,
): DeadLetterRow {
  if (status === "PENDING") return { ...row, status, resolvedBy: "", closedAt: NEVER };
  return { ...row, status, resolvedBy, closedAt: at };
}

/** How urgent it is now: its reason, and the minutes for which it has waited. */
export function priorityOf({ rank }: Pick<DeadLetterRow, "rank">, now: Instant): number {
  return Math.max(0, Math.floor((now - rank) / MINUTE));
}

/** Numbers about the dead letters of one reason and status. */
export interface DeadLetterCount {
  readonly reason: DeadLetterReason;
  readonly status: DeadLetterStatus;
  readonly count: number;
  readonly oldestAt: Instant;
  readonly newestAt: Instant;
  /** Milliseconds from when they were made until they were closed, together; 0 of those that are pending. */
  readonly closedAfter: number;
}

/** Counts dead letters by reason and status. */
export function countLetters(rows: Iterable<DeadLetterRow>): DeadLetterCount[] {
  const counts = new Map<string, DeadLetterCount>();
  for (const row of rows) {
    const { reason, status, createdAt, closedAt } = row;
    const key = `${reason} ${status}`;
    const known = counts.get(key);
    counts.set(key, {
      ...{ reason, status },
      count: (known?.count ?? 0) + 1,
      oldestAt: instant(Math.min(known?.oldestAt ?? createdAt, createdAt)),
      newestAt: instant(Math.max(known?.newestAt ?? createdAt, createdAt)),
      closedAfter: (known?.closedAfter ?? 0) + (closedAt === NEVER ? 0 : closedAt - createdAt),
    });
  }
  return [...counts.values()];
}
