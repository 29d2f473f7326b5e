import {
  checkpointBytes,
  type FailureReason,
  type StatusReport,
  type YieldReport,
} from "#domain/task/report";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { jsonProblem } from "../json-text.js";
import { exceeds } from "../validate.js";

/** Why a JSON text of an agent cannot be stored. */
interface Problem {
  /** Continues the sentence that begins with the text's name. */
  readonly said: string;
  /** Absent if it is the agent's own error. */
  readonly reason?: FailureReason;
}

/**
 * Checks a result. One that cannot be stored fails the Run permanently: if the stream were closed instead, the worker
 * would reconnect and send the same again.
 *
 * @returns the fields that replace those of the report; undefined if the result can be stored
 */
export function resultFailure(outputJson: string): ReturnType<typeof failedBy> | undefined {
  const problem = outputJson === "" ? undefined : resultProblem(outputJson);
  return problem && failedBy("result", problem);
}

/** Checks a checkpoint. Like a result, one that cannot be stored fails the Run permanently. */
export function keptCheckpoint(said: YieldReport): YieldReport | StatusReport {
  const { cursor, output, ...same } = said;
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
