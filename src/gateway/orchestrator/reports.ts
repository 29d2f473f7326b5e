import { resultFailure } from "#api/workers/result-limits";
import type { RunId, TaskId } from "#domain/id";
import type { RunStatus } from "#domain/task/run";
import { clip } from "#domain/text/text";
import { type Instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { WorkerReport } from "#ports/plane";
import { jsonOfBytes } from "#wire/convert-payload";
import { type TaskProgress, type TaskResult, TaskStatus } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { RunEventType } from "#wire/gen/taskrun/v1/common_pb";
import { PROGRESS_EVENT } from "./progress.js";

/** A Run that a worker was given, and what it has said of it. */
export interface Given {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly toldAt: Instant;
  /** True once it has spoken of it. */
  spoken: boolean;
  /** How often it has said how far it is, and how many pieces of output that has made. */
  reported: number;
  written: number;
}

/** The member of a result that was no JSON. */
const OUTPUT_MEMBER = "output_base64";

/** A TaskProgress: an event that says how far the Run is, and its text as output. */
export function* progressReports(
  given: Given,
  { progressPercent, message, timestamp }: TaskProgress,
  now: Instant,
): Generator<WorkerReport, void> {
  const { runId } = given;
  if (!given.spoken) yield statusReport(runId, "RUNNING");
  given.spoken = true;
  const sentAt = sentAtOf(timestamp, now);
  const percent = String(Math.min(Math.max(progressPercent, 0), 100));
  const shown = clip(message, limits.labelBytes);
  const metadata = { percent, ...(shown !== "" && { message: shown }) };
  const id = `progress-${given.reported++}`;
  yield { type: "event", runId, id, kind: RunEventType.CUSTOM, name: PROGRESS_EVENT, sentAt, metadata };
  if (message === "") return;
  const content = `${clip(message, limits.chunkBytes - 1)}\n`;
  yield { type: "output", runId, seq: given.written++, content, isFinal: false, metadata: {}, sentAt };
}

/** A TaskResult: the worker's last word about the Run. */
export function resultReport({ runId }: Given, { status, output, errorMessage }: TaskResult): WorkerReport {
  switch (status) {
    case TaskStatus.COMPLETED: {
      const json = output.length === 0 ? "" : jsonOfBytes(output, OUTPUT_MEMBER);
      return { ...statusReport(runId, "COMPLETED"), output: json, ...resultFailure(json) };
    }
    case TaskStatus.FAILED:
      return {
        ...statusReport(runId, "FAILED"),
        errorMessage: clip(errorMessage, limits.errorMessageBytes) || "the worker has given no reason",
      };
    case TaskStatus.CANCELLED: {
      const said = clip(errorMessage, limits.errorMessageBytes);
      return { ...statusReport(runId, "CANCELLED"), errorMessage: said };
    }
    default: {
      const name = TaskStatus[status] ?? String(status);
      const message = `result.status is ${name}: a result is COMPLETED, FAILED or CANCELLED.`;
      return { type: "refused", runId, message, last: true };
    }
  }
}

function statusReport(runId: RunId, status: RunStatus) {
  return {
    type: "status",
    runId,
    status,
    errorMessage: "",
    backend: null,
    output: "",
    retryAfter: millis(0),
  } as const;
}

/** Seconds as milliseconds; a time that no clock has is taken for now. */
function sentAtOf(seconds: bigint, now: Instant): number {
  return seconds > 0n && seconds < 100_000_000_000n ? Number(seconds) * 1_000 : now;
}
