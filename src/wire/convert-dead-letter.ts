import type {
  DeadLetterCause,
  DeadLetterPeriod,
  DeadLetterReason,
  DeadLetterRow,
  DeadLetterSnapshot,
  DeadLetterStatus,
} from "#domain/task/dead-letter";
import type { FailureCause } from "#domain/task/explanation";
import type { StaleHealth } from "#domain/task/staleness";
import { taskStateToWire } from "./convert-enums.js";
import { causeToWire } from "./convert-explanation.js";
import { templateRefToWire } from "./convert-template.js";
import * as wire from "./gen/taskrun/v1/dead_letter_service_pb.js";

/** The wire's number of each value of the domain. A value added there is a compile error here. */
export const deadLetterReasonToWire = {
  POISONED: wire.DeadLetterReason.POISONED,
  INTERNAL: wire.DeadLetterReason.INTERNAL,
  ATTEMPTS_EXHAUSTED: wire.DeadLetterReason.ATTEMPTS_EXHAUSTED,
  TIMED_OUT: wire.DeadLetterReason.TIMED_OUT,
  RESULT_REFUSED: wire.DeadLetterReason.RESULT_REFUSED,
  UNDELIVERABLE: wire.DeadLetterReason.UNDELIVERABLE,
  HELD: wire.DeadLetterReason.HELD,
  STALE: wire.DeadLetterReason.STALE,
} as const satisfies Record<DeadLetterReason, wire.DeadLetterReason>;

export const deadLetterStatusToWire = {
  PENDING: wire.DeadLetterStatus.PENDING,
  MANUALLY_RESOLVED: wire.DeadLetterStatus.MANUALLY_RESOLVED,
  PERMANENTLY_FAILED: wire.DeadLetterStatus.PERMANENTLY_FAILED,
  CANCELLED: wire.DeadLetterStatus.CANCELLED,
  MOVED_ON: wire.DeadLetterStatus.MOVED_ON,
} as const satisfies Record<DeadLetterStatus, wire.DeadLetterStatus>;

export const staleHealthToWire = {
  HEALTHY: wire.StalenessHealth.HEALTHY,
  WARNING: wire.StalenessHealth.WARNING,
  STALE: wire.StalenessHealth.STALE,
} as const satisfies Record<StaleHealth, wire.StalenessHealth>;

/** Undefined for UNSPECIFIED and for numbers of later versions. */
export function deadLetterReasonFromWire(number: number): DeadLetterReason | undefined {
  return wordOf(deadLetterReasonToWire, number);
}

export function deadLetterStatusFromWire(number: number): DeadLetterStatus | undefined {
  return wordOf(deadLetterStatusToWire, number);
}

export function staleHealthFromWire(number: number): StaleHealth | undefined {
  return wordOf(staleHealthToWire, number);
}

function wordOf<Word extends string>(table: Readonly<Record<Word, number>>, number: number) {
  return (Object.keys(table) as Word[]).find((word) => table[word] === number);
}

/** The parts of a dead letter that are not in its row. */
export interface DeadLetterParts {
  readonly priority: number;
  readonly causes?: readonly FailureCause[];
}

/** The literals name every field, so that a field added to the protocol is a compile error here. */
export function deadLetterToWire(
  row: DeadLetterRow,
  { priority, causes = [] }: DeadLetterParts,
): wire.DeadLetter {
  const { taskId, namespace, notes, resolvedBy, redrivenAs } = row;
  return {
    $typeName: "taskrun.v1.DeadLetter",
    ...{ taskId, namespace, notes, resolvedBy, redrivenAs },
    reason: deadLetterReasonToWire[row.reason],
    status: deadLetterStatusToWire[row.status],
    createdAtMs: BigInt(row.createdAt),
    closedAtMs: BigInt(row.closedAt),
    priority: BigInt(priority),
    snapshot: snapshotToWire(row.snapshot),
    earlier: row.earlier.map(periodToWire),
    causes: causes.map(causeToWire),
  };
}

function snapshotToWire({ state, template, cause, ...plain }: DeadLetterSnapshot): wire.DeadLetterSnapshot {
  return {
    $typeName: "taskrun.v1.DeadLetterSnapshot",
    ...plain,
    state: taskStateToWire[state],
    ...(template && { template: templateRefToWire(template) }),
    ...(cause && { cause: placeToWire(cause) }),
  };
}

function placeToWire({ taskId, stepName, agentName, message }: DeadLetterCause): wire.DeadLetterCause {
  return { $typeName: "taskrun.v1.DeadLetterCause", taskId, stepName, agentName, message };
}

function periodToWire({ reason, status, createdAt, closedAt, resolvedBy }: DeadLetterPeriod) {
  return {
    $typeName: "taskrun.v1.DeadLetterPeriod" as const,
    reason: deadLetterReasonToWire[reason],
    status: deadLetterStatusToWire[status],
    createdAtMs: BigInt(createdAt),
    closedAtMs: BigInt(closedAt),
    resolvedBy,
  };
}
