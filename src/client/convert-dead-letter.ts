import {
  deadLetterReasonFromWire,
  deadLetterStatusFromWire,
  staleHealthFromWire,
} from "#wire/convert-dead-letter";
import { taskStateFromWire } from "#wire/convert-enums";
import type * as wire from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { toCause } from "./convert-explanation.js";
import type {
  DeadLetter,
  DeadLetterPeriod,
  DeadLetterSnapshot,
  DeadLetterStats,
  TaskStaleness,
} from "./dead-letter-views.js";

/** A dead letter as the client gives it, of what the server has answered. */
export function toDeadLetter(letter: wire.DeadLetter): DeadLetter {
  const { taskId, namespace, notes, resolvedBy, redrivenAs } = letter;
  return {
    ...{ taskId, namespace, notes, resolvedBy, redrivenAs },
    reason: deadLetterReasonFromWire(letter.reason) ?? "UNSPECIFIED",
    status: deadLetterStatusFromWire(letter.status) ?? "UNSPECIFIED",
    createdAtMs: Number(letter.createdAtMs),
    closedAtMs: Number(letter.closedAtMs),
    priority: Number(letter.priority),
    snapshot: toSnapshot(letter.snapshot),
    earlier: letter.earlier.map(toPeriod),
    causes: letter.causes.map(toCause),
  };
}

function toSnapshot(snapshot: wire.DeadLetterSnapshot | undefined): DeadLetterSnapshot {
  const { template, cause } = snapshot ?? {};
  return {
    state: taskStateFromWire(snapshot?.state ?? 0) ?? "unspecified",
    agent: snapshot?.agentName ?? "",
    ...(template && {
      template: { namespace: template.namespace, name: template.name, version: template.version },
    }),
    stepName: snapshot?.stepName ?? "",
    attempts: snapshot?.attempts ?? 0,
    maxAttempts: snapshot?.maxAttempts ?? 0,
    losses: snapshot?.losses ?? 0,
    maxLosses: snapshot?.maxLosses ?? 0,
    taskReason: snapshot?.taskReason ?? "",
    message: snapshot?.message ?? "",
    runId: snapshot?.runId ?? "",
    workerId: snapshot?.workerId ?? "",
    ...(cause && {
      cause: {
        taskId: cause.taskId,
        stepName: cause.stepName,
        agent: cause.agentName,
        message: cause.message,
      },
    }),
  };
}

function toPeriod(period: wire.DeadLetterPeriod): DeadLetterPeriod {
  return {
    reason: deadLetterReasonFromWire(period.reason) ?? "UNSPECIFIED",
    status: deadLetterStatusFromWire(period.status) ?? "UNSPECIFIED",
    createdAtMs: Number(period.createdAtMs),
    closedAtMs: Number(period.closedAtMs),
    resolvedBy: period.resolvedBy,
  };
}

export function toStats({ $typeName: _, reason, ...numbers }: wire.DeadLetterStats): DeadLetterStats {
  const { oldestAtMs, newestAtMs, meanResolutionMs, $unknown: __, ...counts } = numbers;
  return {
    ...counts,
    reason: deadLetterReasonFromWire(reason) ?? "UNSPECIFIED",
    oldestAtMs: Number(oldestAtMs),
    newestAtMs: Number(newestAtMs),
    meanResolutionMs: Number(meanResolutionMs),
  };
}

export function toStaleness(found: wire.TaskStaleness): TaskStaleness {
  const { taskId, namespace, priority, stepName, template } = found;
  return {
    ...{ taskId, namespace, priority, stepName },
    state: taskStateFromWire(found.state) ?? "unspecified",
    health: staleHealthFromWire(found.health) ?? "UNSPECIFIED",
    timeInStateMs: Number(found.timeInStateMs),
    thresholdMs: Number(found.thresholdMs),
    ageMs: Number(found.ageMs),
    lifetimeMs: Number(found.lifetimeMs),
    agent: found.agentName,
    ...(template && {
      template: { namespace: template.namespace, name: template.name, version: template.version },
    }),
  };
}
