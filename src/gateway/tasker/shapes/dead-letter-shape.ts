import type { ReasonStats } from "#api/dead-letters/dead-letter-stats";
import type { DeadLetterView } from "#api/dead-letters/dead-letter-view";
import type { TaskStaleness } from "#api/dead-letters/list-staleness";
import type {
  DeadLetterReason,
  DeadLetterRow,
  DeadLetterSnapshot,
  DeadLetterStatus,
  SettableStatus,
} from "#domain/task/dead-letter";
import type { StaleHealth } from "#domain/task/staleness";
import type { TaskState } from "#domain/task/task";
import { type Instant, instant } from "#domain/time/time";
import { taskName } from "./task-shape.js";

/** Why a Task is in the queue of dead letters, in the words of Tasker, in the order of their numbers in `tasker.v1`. */
export const dlqReasons = [
  "staleness_timeout",
  "max_retries_exceeded",
  "dependency_cycle_detected",
  "worker_unavailable",
  "manual_dlq",
] as const;
export type DlqReason = (typeof dlqReasons)[number];

/** Likewise what became of it. */
export const resolutionStatuses = [
  "pending",
  "manually_resolved",
  "permanently_failed",
  "cancelled",
] as const;
export type ResolutionStatus = (typeof resolutionStatuses)[number];

/** The nearest word of Tasker: several reasons have the same, and `dependency_cycle_detected` is refused before a Task exists. */
const reasons = {
  POISONED: "max_retries_exceeded",
  INTERNAL: "manual_dlq",
  ATTEMPTS_EXHAUSTED: "max_retries_exceeded",
  TIMED_OUT: "staleness_timeout",
  RESULT_REFUSED: "max_retries_exceeded",
  UNDELIVERABLE: "worker_unavailable",
  HELD: "manual_dlq",
  STALE: "staleness_timeout",
} as const satisfies Record<DeadLetterReason, DlqReason>;

/** What has moved on by itself counts as resolved. */
const statuses = {
  PENDING: "pending",
  MANUALLY_RESOLVED: "manually_resolved",
  PERMANENTLY_FAILED: "permanently_failed",
  CANCELLED: "cancelled",
  MOVED_ON: "manually_resolved",
} as const satisfies Record<DeadLetterStatus, ResolutionStatus>;

/** The status that an operator gives a dead letter by a word of Tasker. */
export const statusOfWord = {
  pending: "PENDING",
  manually_resolved: "MANUALLY_RESOLVED",
  permanently_failed: "PERMANENTLY_FAILED",
  cancelled: "CANCELLED",
} as const satisfies Record<ResolutionStatus, SettableStatus>;

export function deadLetterWords({ reason, status }: Pick<DeadLetterRow, "reason" | "status">): {
  readonly dlqReason: DlqReason;
  readonly resolutionStatus: ResolutionStatus;
} {
  return { dlqReason: reasons[reason], resolutionStatus: statuses[status] };
}

/** A dead letter as Tasker shows it. */
export interface DlqEntryShape {
  /** The Task's: it has one dead letter at most. */
  readonly dlqEntryUuid: string;
  readonly taskUuid: string;
  readonly namespace: string;
  readonly originalState: TaskState;
  readonly dlqReason: DlqReason;
  readonly dlqTimestamp: Instant;
  readonly resolutionStatus: ResolutionStatus;
  /** NEVER while it is pending. */
  readonly resolutionTimestamp: Instant;
  readonly resolutionNotes: string;
  readonly resolvedBy: string;
  readonly snapshot: DeadLetterSnapshot;
  readonly createdAt: Instant;
  /** When it was closed, or made. */
  readonly updatedAt: Instant;
  /** The reason in our own words. */
  readonly reason: DeadLetterReason;
  readonly status: DeadLetterStatus;
}

export function dlqEntryShape({ letter }: DeadLetterView): DlqEntryShape {
  const { taskId, namespace, snapshot, createdAt, closedAt, notes, resolvedBy, reason, status } = letter;
  return {
    dlqEntryUuid: taskId,
    taskUuid: taskId,
    ...{ namespace, snapshot, createdAt, resolvedBy, reason, status },
    originalState: snapshot.state,
    dlqTimestamp: createdAt,
    ...deadLetterWords(letter),
    resolutionTimestamp: closedAt,
    resolutionNotes: notes,
    updatedAt: instant(Math.max(createdAt, closedAt)),
  };
}

/** An entry of the investigation queue. */
export interface InvestigationShape
  extends Pick<
    DlqEntryShape,
    "dlqEntryUuid" | "taskUuid" | "originalState" | "dlqReason" | "dlqTimestamp" | "reason"
  > {
  readonly minutesInDlq: number;
  readonly namespaceName: string;
  readonly taskName: string;
  readonly priorityScore: number;
}

export function investigationShape(view: DeadLetterView, now: Instant): InvestigationShape {
  const { letter, priority } = view;
  const { dlqEntryUuid, taskUuid, originalState, dlqReason, dlqTimestamp, reason } = dlqEntryShape(view);
  return {
    ...{ dlqEntryUuid, taskUuid, originalState, dlqReason, dlqTimestamp, reason },
    minutesInDlq: minutesOf(now - letter.createdAt),
    namespaceName: letter.namespace,
    taskName: letter.snapshot.template?.name ?? letter.snapshot.agentName,
    priorityScore: priority,
  };
}

/** Numbers about the dead letters of one reason. */
export interface DlqStatsShape {
  readonly dlqReason: DlqReason;
  readonly totalEntries: number;
  readonly pending: number;
  readonly manuallyResolved: number;
  readonly permanentFailures: number;
  readonly cancelled: number;
  readonly oldestEntry: Instant;
  readonly newestEntry: Instant;
  /** 0 if none is closed. */
  readonly avgResolutionTimeMinutes: number;
}

/** Of each of Tasker's reasons of which there is one: ours of the same word are added up. */
export function dlqStatsShapes(stats: readonly ReasonStats[]): readonly DlqStatsShape[] {
  return dlqReasons.flatMap((word) => {
    const own = stats.filter(({ reason }) => reasons[reason] === word);
    return own.length === 0 ? [] : [together(word, own)];
  });
}

function together(dlqReason: DlqReason, own: readonly ReasonStats[]): DlqStatsShape {
  const count = (word: ResolutionStatus) =>
    sum(own.map(({ byStatus }) => sum(namesOf(word).map((status) => byStatus[status] ?? 0))));
  const totalEntries = sum(own.map(({ total }) => total));
  const pending = count("pending");
  const closed = totalEntries - pending;
  const closedAfter = sum(
    own.map(({ total, byStatus, meanResolution }) => meanResolution * (total - (byStatus.PENDING ?? 0))),
  );
  return {
    ...{ dlqReason, totalEntries, pending },
    manuallyResolved: count("manually_resolved"),
    permanentFailures: count("permanently_failed"),
    cancelled: count("cancelled"),
    oldestEntry: instant(Math.min(...own.map(({ oldestAt }) => oldestAt))),
    newestEntry: instant(Math.max(...own.map(({ newestAt }) => newestAt))),
    avgResolutionTimeMinutes: closed === 0 ? 0 : minutesOf(closedAfter / closed),
  };
}

/** Our statuses that Tasker has this one word for. */
export function namesOf(word: ResolutionStatus): DeadLetterStatus[] {
  return (Object.keys(statuses) as DeadLetterStatus[]).filter((status) => statuses[status] === word);
}

/** How long a Task has been where it is. */
export interface StalenessShape {
  readonly taskUuid: string;
  readonly namespaceName: string;
  readonly taskName: string;
  readonly currentState: TaskState;
  readonly timeInStateMinutes: number;
  readonly taskAgeMinutes: number;
  readonly stalenessThresholdMinutes: number;
  readonly healthStatus: Lowercase<StaleHealth>;
  readonly priority: number;
}

export function stalenessShape({ task, staleness }: TaskStaleness): StalenessShape {
  const { state, rested, age, threshold, health } = staleness;
  return {
    taskUuid: task.id,
    namespaceName: task.namespace,
    taskName: taskName(task).name,
    currentState: state,
    timeInStateMinutes: Math.floor(rested / MINUTE),
    taskAgeMinutes: Math.floor(age / MINUTE),
    stalenessThresholdMinutes: Math.floor(threshold / MINUTE),
    healthStatus: health.toLowerCase() as Lowercase<StaleHealth>,
    priority: task.spec.priority,
  };
}

const MINUTE = 60_000;

/** With two digits. */
function minutesOf(millis: number): number {
  return Math.round((Math.max(0, millis) / MINUTE) * 100) / 100;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
