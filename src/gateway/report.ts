import { fitBackend } from "#api/workers/fit";
import { fitRecord, fitSuspension, fitUsage } from "#api/workers/journal-limits";
import {
  checkHeartbeat,
  checkId,
  fitChat,
  fitEvent,
  fitOutput,
  refusedReport,
} from "#api/workers/report-limits";
import { keptCheckpoint, resultFailure } from "#api/workers/result-limits";
import { Fault } from "#domain/fault";
import type { RefusedReport, StatusReport } from "#domain/task/report";
import { isOver } from "#domain/task/run";
import { clip } from "#domain/text/text";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { WorkerReport } from "#ports/plane";
import { runStatusFromWire } from "#wire/convert-enums";
import { journalFromWire, suspendFromWire, usageFromWire } from "#wire/convert-journal";
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
import type { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { RunClientMessage, RunStatusUpdate } from "#wire/gen/taskrun/v1/run_service_pb";

/**
 * Checks a worker's message after its hello and converts it to a report; undefined for a message to ignore, because a
 * later version of the protocol may have kinds that this one does not know.
 *
 * A message about a Run that cannot be accepted becomes a `refused` report, which ends only that Run. If the stream
 * were ended instead, the worker would reconnect and send the same message again, and block its other Runs.
 *
 * @param cut called if a part was too long and has been cut or left out
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
    const refused = error instanceof Fault && refusalOf(message, protocol, error.message);
    if (refused) return refused;
    throw error;
  }
}

function refusalOf(
  { payload }: RunClientMessage,
  protocol: WorkerProtocol,
  message: string,
): RefusedReport | undefined {
  switch (payload.case) {
    case "statusUpdate":
    case "outputChunk":
    case "event":
    case "chatMessage":
    case "yield":
    case "journal":
    case "suspend": {
      const { runId, fence } = payload.value;
      const last =
        payload.case === "yield" ||
        payload.case === "suspend" ||
        (payload.case === "statusUpdate" && isLastWord(payload.value.status));
      return refusedReport({ runId, ...fenceOf(fence, protocol) }, message, last);
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
      const { capacity, ...report } = heartbeatFromWire(payload.value, protocol);
      if (capacity === undefined) return report;
      return { ...report, capacity: Math.min(capacity, limits.maxRunsPerWorker) };
    }
    case "statusUpdate":
      checkId(payload.value.runId, "status_update.run_id");
      return statusOf(payload.value, protocol, cut);
    case "outputChunk":
      checkId(payload.value.runId, "output_chunk.run_id");
      return outputFromWire(fitOutput(payload.value, protocol, cut), protocol);
    case "event":
      checkId(payload.value.runId, "event.run_id");
      return agentEventFromWire(fitEvent(payload.value, protocol, cut), protocol);
    case "chatMessage": {
      checkId(payload.value.runId, "chat_message.run_id");
      const { message } = payload.value;
      const said = message ? { ...payload.value, message: fitChat(message, protocol, cut) } : payload.value;
      return chatFromWire(said, protocol);
    }
    case "decline":
      checkId(payload.value.runId, "decline.run_id");
      return {
        ...declineFromWire(payload.value),
        reason: clip(payload.value.reason, limits.errorMessageBytes),
      };
    case "yield":
      checkId(payload.value.runId, "yield.run_id");
      return keptCheckpoint(yieldFromWire(payload.value, protocol));
    case "journal":
      checkId(payload.value.runId, "journal.run_id");
      return journalFromWire(fitRecord(payload.value));
    case "suspend":
      checkId(payload.value.runId, "suspend.run_id");
      return suspendFromWire(fitSuspension(payload.value));
    case "usage":
      checkId(payload.value.runId, "usage.run_id");
      return usageFromWire(fitUsage(payload.value));
    case undefined:
      return undefined;
  }
}

/** Checks a status: a result that cannot be stored fails the Run permanently; other texts that are too long are cut. */
function statusOf(
  update: RunStatusUpdate,
  protocol: WorkerProtocol,
  cut: () => void,
): StatusReport | undefined {
  const { outputJson, backendUsed } = update;
  const failure = resultFailure(outputJson);
  const errorMessage = clip(update.errorMessage, limits.errorMessageBytes);
  const errorDetail = clip(update.errorDetail, limits.errorDetailBytes);
  const uncut = errorMessage === update.errorMessage && errorDetail === update.errorDetail;
  // The usual case: nothing has to be cut.
  if (failure === undefined && !backendUsed && uncut) return statusFromWire(update, protocol);

  const report = statusFromWire({ ...update, errorMessage, errorDetail }, protocol);
  if (!report) return undefined;
  const backend = report.backend && fitBackend(report.backend, cut);
  return { ...report, backend, ...failure };
}
