import { submittedLabel } from "#api/workers/submitted-agents";
import { Fault } from "#domain/fault";
import type { Labels } from "#domain/task/task";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { jsonOfBytes } from "#wire/convert-payload";
import type { TaskSpec } from "#wire/gen/orchestrator/v1/orchestrator_pb";

/** The label with the description of a Task that was asked for by a TaskSpec. */
export const DESCRIPTION_LABEL = "orchestrator.description";

/** The member of an input that was no JSON. */
export const PAYLOAD_MEMBER = "payload_base64";

/** What our fields are called in a TaskSpec, for messages about them. */
export const specNames: Readonly<Record<string, string>> = { agent_name: "name", input_json: "payload" };

/**
 * The request for a Task that a TaskSpec stands for.
 *
 * @throws {Fault} `invalid`, naming the field
 */
export function newTaskOf({ name, description, payload, timeoutSecs, maxRetries }: TaskSpec) {
  if (name === "") throw invalid("name", "is empty: name the agent that is to do the Task.");
  inRange(
    "timeout_secs",
    timeoutSecs,
    Math.floor(limits.durationMost / 1_000),
    "seconds, where 0 means no limit",
  );
  inRange("max_retries", maxRetries, limits.maxAttempts - 1, "tries after the first");
  const inputJson = payload.length === 0 ? "" : jsonOfBytes(payload, PAYLOAD_MEMBER);
  const bytes = Buffer.byteLength(inputJson);
  if (bytes > limits.inputBytes) {
    const measured = bytes === payload.length ? "" : `, ${bytes} in base64`;
    const advice = "store it elsewhere, and send where it is.";
    throw invalid(
      "payload",
      `is ${payload.length} bytes long${measured}; the limit is ${limits.inputBytes} bytes: ${advice}`,
    );
  }
  return {
    agentName: name,
    inputJson,
    createdBy: "",
    labels: labelsOf(description),
    idempotencyKey: "",
    priority: 0,
    timeoutMs: BigInt(timeoutSecs) * 1_000n,
    maxAttempts: maxRetries + 1,
    namespace: "",
    workerSelector: {},
    correlationId: "",
    startAtMs: 0n,
  };
}

function labelsOf(description: string): Labels {
  const shown = clip(description, limits.labelBytes);
  return { ...submittedLabel, ...(shown !== "" && { [DESCRIPTION_LABEL]: shown }) };
}

function inRange(field: string, value: number, most: number, unit: string): void {
  if (value >= 0 && value <= most) return;
  throw invalid(field, `is ${value}; send 0 to ${most} ${unit}.`);
}

function invalid(field: string, problem: string): Fault {
  return new Fault("invalid", `${field} ${problem}`, { field });
}
