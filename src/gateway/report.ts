import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import type { WorkerProtocol } from "#domain/worker";
import type { WorkerReport } from "#ports/plane";
import {
  agentEventFromWire,
  chatFromWire,
  declineFromWire,
  heartbeatFromWire,
  outputFromWire,
  statusFromWire,
} from "#wire/convert-report";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { RunClientMessage, RunStatusUpdate } from "#wire/gen/taskrun/v1/run_service_pb";
import { jsonProblem } from "./json-text.js";
import { exceeds } from "./validate.js";

/**
 * What a worker says after its hello, checked; undefined for what is to be ignored, because a later
 * version of the protocol may say things that this one does not know.
 *
 * @throws {Fault} `invalid` if the worker breaks the protocol: the stream ends with it
 */
export function reportOf({ payload }: RunClientMessage, protocol: WorkerProtocol): WorkerReport | undefined {
  switch (payload.case) {
    case "hello":
      throw new Fault("invalid", "hello was said on this stream already; open another one.", {
        field: "hello",
      });
    case "heartbeat": {
      const report = heartbeatFromWire(payload.value, protocol);
      return { ...report, capacity: Math.min(report.capacity, limits.maxRunsPerWorker) };
    }
    case "statusUpdate":
      checkId(payload.value.runId, "status_update.run_id");
      return statusFromWire(acceptable(payload.value), protocol);
    case "outputChunk": {
      checkId(payload.value.runId, "output_chunk.run_id");
      // A public worker knows no limit but that of the message.
      if (protocol > 0) checkChunk(payload.value.content);
      return outputFromWire(payload.value, protocol);
    }
    case "event":
      checkId(payload.value.runId, "event.run_id");
      checkId(payload.value.id, "event.id");
      return agentEventFromWire(payload.value, protocol);
    case "chatMessage":
      checkId(payload.value.runId, "chat_message.run_id");
      return chatFromWire(payload.value, protocol);
    case "decline":
      checkId(payload.value.runId, "decline.run_id");
      return { ...declineFromWire(payload.value), reason: clip(payload.value.reason) };
    case "yield": {
      const message =
        "yield is served with workflows, which this version does not have: report COMPLETED instead.";
      throw new Fault("invalid", message, { field: "yield" });
    }
    case undefined:
      return undefined;
  }
}

function checkId(id: string, field: string): void {
  if (!exceeds(id, limits.idBytes)) return;
  const message = `${field} is ${Buffer.byteLength(id)} bytes long; the limit is ${limits.idBytes} bytes.`;
  throw new Fault("invalid", message, { field });
}

function checkChunk(content: string): void {
  if (!exceeds(content, limits.chunkBytes)) return;
  const field = "output_chunk.content";
  const size = Buffer.byteLength(content);
  const message = `${field} is ${size} bytes long; the limit is ${limits.chunkBytes} bytes: send it in pieces.`;
  throw new Fault("invalid", message, { field });
}

/**
 * A result that cannot be kept fails the Run for good: were the stream closed instead, the worker would
 * come back and send the same again.
 */
function acceptable(update: RunStatusUpdate): RunStatusUpdate {
  const { outputJson } = update;
  const problem = outputJson === "" ? undefined : resultProblem(outputJson);
  if (problem === undefined) return { ...update, errorMessage: clip(update.errorMessage) };
  const errorMessage = `The agent's result ${problem}`;
  return { ...update, status: RunStatus.FAILED, outputJson: "", errorMessage, retryable: false };
}

function resultProblem(json: string): string | undefined {
  if (!exceeds(json, limits.resultBytes)) return jsonProblem(json, limits.jsonDepth);
  const size = Buffer.byteLength(json);
  return `is ${size} bytes long; the limit is ${limits.resultBytes} bytes: stream it as output, or store it elsewhere.`;
}

/** The beginning of a text for people, at most as long as an error message may be. */
function clip(text: string): string {
  if (!exceeds(text, limits.errorMessageBytes)) return text;
  const bytes = Buffer.from(text).subarray(0, limits.errorMessageBytes);
  // A character cut in two decodes as U+FFFD.
  return `${bytes.toString().replace(/\ufffd+$/, "")}…`;
}
