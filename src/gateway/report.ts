import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import { clip } from "#domain/text";
import { millis } from "#domain/time";
import type { WorkerProtocol } from "#domain/worker";
import type { WorkerReport } from "#ports/plane";
import {
  agentEventFromWire,
  chatFromWire,
  declineFromWire,
  heartbeatFromWire,
  outputFromWire,
  statusFromWire,
  yieldFromWire,
} from "#wire/convert-report";
import { type RunEvent, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type {
  RunChatMessage,
  RunClientMessage,
  RunOutputChunk,
  RunStatusUpdate,
  RunYield,
  WorkerHeartbeat,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { fitBackend, fitLabels, fitText } from "./fit.js";
import { jsonProblem } from "./json-text.js";
import { exceeds, labelsProblem } from "./validate.js";

/**
 * The longest content of a public worker, which knows no limit but that of the message: it still fits into
 * one, for watchers, with 64 entries of metadata of 512 B and the ids beside it.
 */
const PUBLIC_CONTENT_BYTES = limits.messageBytes - 64 * 1024;

/**
 * What a worker says after its hello, checked; undefined for what is to be ignored, because a later
 * version of the protocol may say things that this one does not know. Whatever passes fits into one
 * message to the Task's watchers.
 *
 * @param cut called if a part was too long and has been left out
 * @throws {Fault} `invalid` if the worker breaks the protocol, `overloaded` if output could not be passed
 *   on: the stream ends with it
 */
export function reportOf(
  { payload }: RunClientMessage,
  protocol: WorkerProtocol,
  cut: () => void,
): WorkerReport | undefined {
  switch (payload.case) {
    case "hello":
      throw new Fault("invalid", "hello was said on this stream already; open another one.", {
        field: "hello",
      });
    case "heartbeat": {
      checkHeartbeat(payload.value);
      const report = heartbeatFromWire(payload.value, protocol);
      return { ...report, capacity: Math.min(report.capacity, limits.maxRunsPerWorker) };
    }
    case "statusUpdate":
      checkId(payload.value.runId, "status_update.run_id");
      return statusFromWire(acceptable(payload.value, cut), protocol);
    case "outputChunk":
      checkId(payload.value.runId, "output_chunk.run_id");
      return outputFromWire(fitOutput(payload.value, protocol, cut), protocol);
    case "event":
      checkId(payload.value.runId, "event.run_id");
      return agentEventFromWire(fitEvent(payload.value, protocol, cut), protocol);
    case "chatMessage":
      checkId(payload.value.runId, "chat_message.run_id");
      return chatFromWire(fitChat(payload.value, protocol, cut), protocol);
    case "decline":
      checkId(payload.value.runId, "decline.run_id");
      return {
        ...declineFromWire(payload.value),
        reason: clip(payload.value.reason, limits.errorMessageBytes),
      };
    case "yield":
      checkId(payload.value.runId, "yield.run_id");
      return acceptableYield(payload.value, protocol);
    case undefined:
      return undefined;
  }
}

function checkHeartbeat({ workerId, heldRunIds }: WorkerHeartbeat): void {
  checkId(workerId, "heartbeat.worker_id");
  if (heldRunIds.length > limits.maxRunsPerWorker) {
    const message = `heartbeat.held_run_ids has ${heldRunIds.length} entries; a worker may hold ${limits.maxRunsPerWorker} Runs.`;
    throw new Fault("invalid", message, { field: "heartbeat.held_run_ids" });
  }
  for (const id of heldRunIds) checkId(id, "heartbeat.held_run_ids");
}

function fitOutput(chunk: RunOutputChunk, protocol: WorkerProtocol, cut: () => void): RunOutputChunk {
  const field = "output_chunk.content";
  if (protocol > 0) {
    checkSize(chunk.content, limits.chunkBytes, field, "send it in pieces");
    checkLabels(chunk.metadata, "output_chunk.metadata");
    return chunk;
  }
  if (exceeds(chunk.content, PUBLIC_CONTENT_BYTES)) {
    const size = Buffer.byteLength(chunk.content);
    const message = `${field} is ${size} bytes long; only ${PUBLIC_CONTENT_BYTES} bytes can be passed on: send it in pieces.`;
    throw new Fault("overloaded", message, { field, reason: "CHUNK_TOO_LARGE" });
  }
  return { ...chunk, metadata: fitLabels(chunk.metadata, cut) };
}

function fitEvent(event: RunEvent, protocol: WorkerProtocol, cut: () => void): RunEvent {
  if (protocol > 0) {
    checkId(event.id, "event.id");
    checkLabels(event.metadata, "event.metadata");
    return event;
  }
  return { ...event, id: fitText(event.id, limits.idBytes, cut), metadata: fitLabels(event.metadata, cut) };
}

function fitChat(said: RunChatMessage, protocol: WorkerProtocol, cut: () => void): RunChatMessage {
  if (!said.message) return said;
  const { content } = said.message;
  if (protocol > 0) {
    checkSize(content, limits.chunkBytes, "chat_message.message.content", "send it in pieces");
    return said;
  }
  return { ...said, message: { ...said.message, content: fitText(content, PUBLIC_CONTENT_BYTES, cut) } };
}

function checkId(id: string, field: string): void {
  checkSize(id, limits.idBytes, field, "send an id as it was given");
}

function checkSize(text: string, max: number, field: string, way: string): void {
  if (!exceeds(text, max)) return;
  const message = `${field} is ${Buffer.byteLength(text)} bytes long; the limit is ${max} bytes: ${way}.`;
  throw new Fault("invalid", message, { field });
}

function checkLabels(metadata: Labels, field: string): void {
  const problem = labelsProblem(metadata);
  if (problem !== undefined) throw new Fault("invalid", `${field} ${problem}`, { field });
}

/**
 * A result that cannot be kept fails the Run for good, and what is too long beside it is cut: were the
 * stream closed instead, the worker would come back and send the same again.
 */
function acceptable(update: RunStatusUpdate, cut: () => void): RunStatusUpdate {
  const { outputJson, backendUsed } = update;
  const problem = outputJson === "" ? undefined : resultProblem(outputJson);
  const errorMessage = clip(update.errorMessage, limits.errorMessageBytes);
  // As it is nearly always.
  if (problem === undefined && !backendUsed && errorMessage === update.errorMessage) return update;

  const fitting = { ...update, ...(backendUsed && { backendUsed: fitBackend(backendUsed, cut) }) };
  if (problem === undefined) return { ...fitting, errorMessage };
  return {
    ...fitting,
    status: RunStatus.FAILED,
    outputJson: "",
    errorMessage: `The agent's result ${problem}`,
    retryable: false,
  };
}

/** Refused, a checkpoint would come again like a result: one that cannot be kept fails the Run for good too. */
function acceptableYield(said: RunYield, protocol: WorkerProtocol): WorkerReport {
  const { cursor, output, ...same } = yieldFromWire(said, protocol);
  const parts = { cursor: cursor || "null", output };
  const cursorProblem = resultProblem(parts.cursor);
  const together = Buffer.byteLength(parts.cursor) + Buffer.byteLength(output);
  const tooLarge =
    together > limits.resultBytes
      ? `and its other part are ${together} bytes together; the limit is ${limits.resultBytes} bytes.`
      : undefined;
  const problem = cursorProblem ?? (output === "" ? undefined : resultProblem(output)) ?? tooLarge;
  if (problem === undefined) return { ...same, ...parts };

  const field = cursorProblem === undefined ? "output_json" : "cursor_json";
  return {
    ...same,
    type: "status",
    status: "FAILED",
    errorMessage: `The ${field} of the agent's checkpoint ${problem}`,
    backend: null,
    output: "",
    retryable: false,
    retryAfter: millis(0),
  };
}

function resultProblem(json: string): string | undefined {
  if (!exceeds(json, limits.resultBytes)) return jsonProblem(json, limits.jsonDepth);
  const size = Buffer.byteLength(json);
  return `is ${size} bytes long; the limit is ${limits.resultBytes} bytes: stream it as output, or store it elsewhere.`;
}
