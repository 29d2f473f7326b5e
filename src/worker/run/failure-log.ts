import type { Log } from "#ports/telemetry";
import type { RunStopped } from "../agent/error.js";
import type { ServedAgent } from "../agent/served-agent.js";
import type { Outcome } from "../protocol/frames.js";
import type { Assignment } from "./assignment.js";
import { traceFields } from "./traced.js";

/** Logs that an agent has failed, with its stack. A Run that was taken back runs again elsewhere: how its agent ends is no failure. */
export function logFailure(
  log: Log,
  { name }: ServedAgent,
  { taskId, runId, attempt, traceparent }: Assignment,
  outcome: Outcome,
  signal: AbortSignal,
): void {
  if (outcome.status !== "FAILED" || isTakenBack(signal)) return;
  const { error, detail } = outcome;
  const stack = detail === undefined ? {} : { stack: detail };
  log.error("an agent failed", {
    agent: name,
    taskId,
    runId,
    attempt,
    error,
    ...traceFields(traceparent),
    ...stack,
  });
}

/** True of a Run that was stopped for no reason of its own. */
function isTakenBack({ aborted, reason }: AbortSignal): boolean {
  const { why } = aborted ? (reason as RunStopped) : {};
  return why === "shutdown" || why === "lease lost";
}
