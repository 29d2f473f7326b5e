import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { FailureReason } from "#domain/task/report";
import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";
import {
  ChatRole,
  type ModelBackendSchema,
  RunEventType,
  RunStatus,
  WorkerStatus,
} from "#wire/gen/taskrun/v1/common_pb";
import {
  type RunClientMessage,
  RunClientMessageSchema,
  type WorkerHeartbeatSchema,
  type WorkerHelloSchema,
  type WorkerResumeSchema,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { type AgentEvent, agentEvents, type Speaker } from "../agent/context.js";
import type { Chunk } from "../run/outbox.js";
import { suspend } from "./journal-frames.js";
import type { RunKey } from "./run-key.js";

/* Makes every message that the Worker sends on its stream. `at` is the Unix milliseconds by its clock. */

/** Why a Run fails, where its agent has thrown nothing of its own. */
export type EndReason = FailureReason | "JOURNAL_MISMATCH" | "JOURNAL_LIMIT" | "IN_DOUBT";

export interface Failed {
  readonly status: "FAILED";
  readonly error: string;
  /** The stack of what was thrown, or the like; not empty. */
  readonly detail?: string;
  readonly retryable: boolean | undefined;
  /** A whole number. */
  readonly retryAfterMs: number;
  readonly reason: EndReason | undefined;
}

/** How a Run ended. */
export type Outcome =
  | { readonly status: "COMPLETED"; readonly outputJson: string }
  /** Stopped at a checkpoint; the Step continues in another Run. */
  | { readonly status: "YIELDED"; readonly cursorJson: string; readonly outputJson: string }
  /** Ended until one of these entries of the journal, which has so many records, is over. */
  | { readonly status: "SUSPENDED"; readonly entries: readonly number[]; readonly count: number }
  | Failed
  | { readonly status: "CANCELLED"; readonly error: string };

/** The state of a Run that is resumed in a new session. */
export type Resume = MessageInitShape<typeof WorkerResumeSchema>;

/**
 * Checks that the transport can send a message: one that it cannot would end the stream with all Runs on it.
 *
 * @throws {RangeError} if the message is too large
 * @throws whatever encoding it throws
 */
export function checkWritable(message: RunClientMessage): void {
  const { length } = toBinary(RunClientMessageSchema, message);
  if (length <= limits.messageBytes) return;
  throw new RangeError(`it is ${length} bytes long; a message has at most ${limits.messageBytes} bytes`);
}

export function hello(value: MessageInitShape<typeof WorkerHelloSchema>): RunClientMessage {
  return create(RunClientMessageSchema, { payload: { case: "hello", value } });
}

export function heartbeat(
  value: MessageInitShape<typeof WorkerHeartbeatSchema>,
  at: number,
): RunClientMessage {
  return create(RunClientMessageSchema, {
    payload: { case: "heartbeat", value: { ...value, timestampMs: BigInt(at) } },
  });
}

export function decline(runId: string, reason: string): RunClientMessage {
  return create(RunClientMessageSchema, { payload: { case: "decline", value: { runId, reason } } });
}

export function started({ runId, fence }: RunKey, at: number): RunClientMessage {
  const value = { runId, fence, status: RunStatus.RUNNING, timestampMs: BigInt(at) };
  return create(RunClientMessageSchema, { payload: { case: "statusUpdate", value } });
}

/** @param outputCount number of chunks that the Run has sent; undefined if the server need not check it */
export function ended(
  { runId, fence }: RunKey,
  outcome: Outcome,
  outputCount: number | undefined,
  backend: ModelBackend | undefined,
  at: number,
): RunClientMessage {
  if (outcome.status === "YIELDED") {
    const { cursorJson, outputJson } = outcome;
    const value = { runId, fence, cursorJson, outputJson };
    return create(RunClientMessageSchema, { payload: { case: "yield", value } });
  }
  if (outcome.status === "SUSPENDED") return suspend({ runId, fence }, outcome.entries, outcome.count);
  const value = {
    runId,
    fence,
    status: RunStatus[outcome.status],
    timestampMs: BigInt(at),
    ...(outputCount === undefined ? {} : { outputCount: BigInt(outputCount) }),
    ...(backend === undefined ? {} : { backendUsed: backendFrame(backend) }),
    ...(outcome.status === "COMPLETED"
      ? { outputJson: outcome.outputJson }
      : { errorMessage: outcome.error }),
    ...(outcome.status === "FAILED"
      ? {
          retryAfterMs: BigInt(outcome.retryAfterMs),
          ...(outcome.detail !== undefined && { errorDetail: outcome.detail }),
          ...(outcome.reason !== undefined && { reason: outcome.reason }),
          ...(outcome.retryable === undefined ? {} : { retryable: outcome.retryable }),
        }
      : {}),
  };
  return create(RunClientMessageSchema, { payload: { case: "statusUpdate", value } });
}

export function output({ runId, fence }: RunKey, chunk: Chunk): RunClientMessage {
  const { seq, content, metadata, at } = chunk;
  const value = { runId, fence, seq: BigInt(seq), content, metadata, timestampMs: BigInt(at) };
  return create(RunClientMessageSchema, { payload: { case: "outputChunk", value } });
}

/** @param id unique among the run's events */
export function event(
  { runId, fence }: RunKey,
  taskId: string,
  id: string,
  type: AgentEvent,
  metadata: Labels,
  at: number,
): RunClientMessage {
  const name = ownName(type);
  const eventType = name === "" ? RunEventType[type as KnownEvent] : RunEventType.CUSTOM;
  const value = { id, runId, taskId, fence, eventType, name, metadata, timestampMs: BigInt(at) };
  return create(RunClientMessageSchema, { payload: { case: "event", value } });
}

type KnownEvent = (typeof agentEvents)[number];

/** The name of an event of the agent's own; empty for a type that has a number. */
export function ownName(type: AgentEvent): string {
  return (agentEvents as readonly string[]).includes(type) ? "" : type;
}

export function chat(
  { runId, fence }: RunKey,
  speaker: Speaker,
  content: string,
  at: number,
): RunClientMessage {
  const message = { role: ChatRole[speaker], content, timestampMs: BigInt(at) };
  return create(RunClientMessageSchema, {
    payload: { case: "chatMessage", value: { runId, fence, message } },
  });
}

export function workerStatus(draining: boolean, activeRuns: number): WorkerStatus {
  if (draining) return WorkerStatus.DRAINING;
  return activeRuns > 0 ? WorkerStatus.BUSY : WorkerStatus.IDLE;
}

export function backendFrame(backend: ModelBackend): MessageInitShape<typeof ModelBackendSchema> {
  return { ...backend, modalities: [...backend.modalities], tools: [...backend.tools] };
}
