import { Fault } from "#domain/fault";
import type { RunId } from "#domain/id";
import { labelsProblem } from "#domain/labels";
import { limits } from "#domain/limits";
import { checkpointBytes, type FailureReason, type RefusedReport, type StatusReport } from "#domain/report";
import { isOver } from "#domain/run";
import type { Labels } from "#domain/task";
import { clip } from "#domain/text";
import { millis } from "#domain/time";
import type { WorkerProtocol } from "#domain/worker";
import type { WorkerReport } from "#ports/plane";
import { runStatusFromWire } from "#wire/convert-enums";
import {
  agentEventFromWire,
  chatFromWire,
  declineFromWire,
  fenceOf,
  heartbeatFromWire,
  outputFromWire,
  statusFromWire,
  yieldFromWire,
} from "#wire/convert-report";
import type { RunEvent, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
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
import { exceeds } from "./validate.js";

/**
 * What a worker says after its hello, checked; undefined for what is to be ignored, because a later
 * version of the protocol may say things that this one does not know. Whatever passes fits into one
 * message to the Task's watchers.
 *
 * What cannot be accepted of a Run becomes a `refused` report, which costs that Run alone: were the stream
 * ended instead, the worker would come back and send the same again, with all its other Runs behind it.
 *
 * @param cut called if a part was too long and has been left out
 * @throws {Fault} `invalid` if the worker breaks the protocol without naming a Run: the stream ends with it
 */
export function reportOf(
  message: RunClientMessage,
  protocol: WorkerProtocol,
  cut: () => void,
): WorkerReport | undefined {
  try {
    return read(message, protocol, cut);
  } catch (error) {
    const refused = error instanceof Fault && refusedReport(message, protocol, error.message);
    if (refused) return refused;
    throw error;
  }
}

/** The refusal of what was said about one Run; undefined if it names none that could exist. */
function refusedReport(
  { payload }: RunClientMessage,
  protocol: WorkerProtocol,
  message: string,
): RefusedReport | undefined {
  switch (payload.case) {
    case "statusUpdate":
    case "outputChunk":
    case "event":
    case "chatMessage":
    case "yield": {
      const { runId, fence } = payload.value;
      if (exceeds(runId, limits.idBytes)) return undefined;
      const last =
        payload.case === "yield" || (payload.case === "statusUpdate" && isLastWord(payload.value.status));
      const about = { runId: runId as RunId, ...fenceOf(fence, protocol) };
      return { type: "refused", ...about, message: clip(message, limits.errorMessageBytes), last };
    }
    default:
      return undefined;
  }
}

function isLastWord(status: RunStatus): boolean {
  const known = runStatusFromWire(status);
  return known !== undefined && isOver(known);
}

function read(
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
      return acceptable(payload.value, protocol, cut);
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
  if (exceeds(chunk.content, limits.publicContentBytes)) {
    const size = Buffer.byteLength(chunk.content);
    const message = `${field} is ${size} bytes long; only ${limits.publicContentBytes} bytes can be passed on: send it in pieces.`;
    throw new Fault("invalid", message, { field });
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
  return { ...said, message: { ...said.message, content: fitText(content, limits.publicContentBytes, cut) } };
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
function acceptable(
  update: RunStatusUpdate,
  protocol: WorkerProtocol,
  cut: () => void,
): StatusReport | undefined {
  const { outputJson, backendUsed } = update;
  const problem = outputJson === "" ? undefined : resultProblem(outputJson);
  const errorMessage = clip(update.errorMessage, limits.errorMessageBytes);
  // As it is nearly always.
  if (problem === undefined && !backendUsed && errorMessage === update.errorMessage) {
    return statusFromWire(update, protocol);
  }

  const fitting = { ...update, ...(backendUsed && { backendUsed: fitBackend(backendUsed, cut) }) };
  const report = statusFromWire({ ...fitting, errorMessage }, protocol);
  return problem === undefined || !report ? report : { ...report, ...failedBy("result", problem) };
}

/** Refused, a checkpoint would come again like a result: one that cannot be kept fails the Run for good too. */
function acceptableYield(said: RunYield, protocol: WorkerProtocol): WorkerReport {
  const { cursor, output, ...same } = yieldFromWire(said, protocol);
  const parts = { cursor: cursor || "null", output };
  const bytes = checkpointBytes(parts.cursor, output);
  const size =
    bytes > limits.resultBytes
      ? {
          said: `is ${bytes} bytes, cursor_json and output_json together; the limit is ${limits.resultBytes} bytes.`,
          reason: "OUTPUT_LIMIT" as const,
        }
      : undefined;
  const ofCursor = textProblem(parts.cursor);
  const problem = size ?? ofCursor ?? (output === "" ? undefined : textProblem(output));
  if (problem === undefined) return { ...same, ...parts };
  const rest = { backend: null, retryAfter: millis(0) } as const;
  const what = size ? "checkpoint" : ofCursor ? "checkpoint's cursor_json" : "checkpoint's output_json";
  return { ...same, type: "status", ...rest, ...failedBy(what, problem) };
}

/** Why a JSON text that an agent has left cannot be kept. */
interface Problem {
  /** Goes on where the text's name stops. */
  readonly said: string;
  /** Absent if it is the agent's own error. */
  readonly reason?: FailureReason;
}

function failedBy(what: string, { said, reason }: Problem) {
  return {
    status: "FAILED",
    output: "",
    errorMessage: `The agent's ${what} ${said}`,
    retryable: false,
    ...(reason && { reason }),
  } as const;
}

function resultProblem(json: string): Problem | undefined {
  if (!exceeds(json, limits.resultBytes)) return textProblem(json);
  const size = Buffer.byteLength(json);
  const said = `is ${size} bytes long; the limit is ${limits.resultBytes} bytes: stream it as output, or store it elsewhere.`;
  return { said, reason: "OUTPUT_LIMIT" };
}

function textProblem(json: string): Problem | undefined {
  const said = jsonProblem(json, limits.jsonDepth);
  return said === undefined ? undefined : { said };
}
