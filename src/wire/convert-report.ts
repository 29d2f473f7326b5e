import type { RunId, WorkerId } from "#domain/id";
import type { FailureReason } from "#domain/task/report";
import { wholeNumber as whole } from "#domain/text/whole-number";
import { type Millis, millis } from "#domain/time/time";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { runStatusFromWire, workerStatusFromWire } from "./convert-enums.js";
import { modelBackendFromWire } from "./convert-worker.js";
import { ChatRole, type RunEvent, RunEventType } from "./gen/taskrun/v1/common_pb.js";
import type * as wire from "./gen/taskrun/v1/run_service_pb.js";

/**
 * Convert a worker's messages after its hello to reports: one function for each kind. They do not check limits of
 * sizes; the gateway does.
 *
 * They return `undefined` for a message to ignore: of an unknown kind, or a chat message without a known role.
 */
export function heartbeatFromWire(beat: wire.WorkerHeartbeat, protocol: WorkerProtocol) {
  const status = workerStatusFromWire(beat.status) ?? "IDLE";
  return {
    type: "heartbeat",
    workerId: beat.workerId as WorkerId,
    status,
    // In this protocol 0 is unchanged: a worker without room declines, or says that it drains.
    ...(beat.maxConcurrentRuns > 0 && { capacity: beat.maxConcurrentRuns }),
    beat: whole(beat.beat, "beat"),
    ...(protocol >= 1 && {
      held: {
        runIds: beat.heldRunIds as RunId[],
        lastOrdinal: whole(beat.lastOrdinal, "last_ordinal"),
      },
    }),
  } as const;
}

export function statusFromWire(update: wire.RunStatusUpdate, protocol: WorkerProtocol) {
  const status = runStatusFromWire(update.status);
  if (status === undefined) return undefined;
  return {
    type: "status",
    runId: update.runId as RunId,
    ...fenceOf(update.fence, protocol),
    status,
    errorMessage: update.errorMessage,
    ...(status === "FAILED" && update.errorDetail !== "" && { errorDetail: update.errorDetail }),
    backend: update.backendUsed ? modelBackendFromWire(update.backendUsed) : null,
    output: update.outputJson,
    ...(update.retryable !== undefined && { retryable: update.retryable }),
    ...(update.outputCount !== undefined && { outputCount: whole(update.outputCount, "output_count") }),
    ...failureReasonOf(update.reason),
    retryAfter: retryAfterOf(update.retryAfterMs),
  } as const;
}

export function outputFromWire(chunk: wire.RunOutputChunk, protocol: WorkerProtocol) {
  if (chunk.turn > 0) return undefined;
  return {
    type: "output",
    runId: chunk.runId as RunId,
    ...fenceOf(chunk.fence, protocol),
    seq: whole(chunk.seq, "seq"),
    content: chunk.content,
    isFinal: chunk.isFinal,
    metadata: chunk.metadata,
    sentAt: whole(chunk.timestampMs, "timestamp_ms"),
  } as const;
}

export function agentEventFromWire(event: RunEvent, protocol: WorkerProtocol) {
  const { id, runId, eventType, timestampMs, metadata, fence, name } = event;
  if (eventType === RunEventType.UNSPECIFIED || RunEventType[eventType] === undefined) return undefined;
  const isCustom = eventType === RunEventType.CUSTOM;
  if (isCustom && name === "") return undefined;
  return {
    type: "event",
    runId: runId as RunId,
    ...fenceOf(fence, protocol),
    id,
    kind: eventType,
    ...(isCustom && { name }),
    sentAt: whole(timestampMs, "timestamp_ms"),
    metadata,
  } as const;
}

export function chatFromWire({ runId, message, fence }: wire.RunChatMessage, protocol: WorkerProtocol) {
  if (!message || message.role === ChatRole.UNSPECIFIED || ChatRole[message.role] === undefined)
    return undefined;
  return {
    type: "chat",
    runId: runId as RunId,
    ...fenceOf(fence, protocol),
    role: message.role,
    content: message.content,
    sentAt: whole(message.timestampMs, "timestamp_ms"),
  } as const;
}

export function declineFromWire({ runId, reason }: wire.RunDecline) {
  return { type: "decline", runId: runId as RunId, reason } as const;
}

export function yieldFromWire(
  { runId, fence, cursorJson, outputJson }: wire.RunYield,
  protocol: WorkerProtocol,
) {
  return {
    type: "yield",
    runId: runId as RunId,
    ...fenceOf(fence, protocol),
    cursor: cursorJson,
    output: outputJson,
  } as const;
}

const failureReasons: readonly FailureReason[] = [
  "OUTPUT_LIMIT",
  "REPORT_INVALID",
  "IN_DOUBT",
  "JOURNAL_MISMATCH",
  "JOURNAL_LIMIT",
];

/** The reason of a failed Run. Any other than these is ignored, so that the failure counts as the agent's error. */
function failureReasonOf(reason: string): { readonly reason?: FailureReason } {
  const known = failureReasons.find((name) => name === reason);
  return known ? { reason: known } : {};
}

/** A delay in milliseconds, at most the longest that is allowed; also if a number cannot represent it. */
function retryAfterOf(value: bigint): Millis {
  if (value <= 0n) return millis(0);
  return value > BigInt(limits.retryAfterMax) ? limits.retryAfterMax : millis(Number(value));
}

/**
 * The fence of a report: absent for a public worker that sends none. For ours, 0 is a fence too, and never means
 * none.
 */
export function fenceOf(fence: number, protocol: WorkerProtocol): { readonly fence?: number } {
  return protocol === 0 && fence === 0 ? {} : { fence };
}
