import type { MessageInitShape } from "@bufbuild/protobuf";
import { slipIn } from "#domain/option-names";
import type { CreateTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { budgetInit } from "./budget.js";
import { keyOr } from "./call.js";
import { instantOf, jsonText, wholeNumber, wrongArgument } from "./request.js";
import type { CreateTask } from "./task-requests.js";
import { taskNames } from "./task-requests.js";

/**
 * The message of a request for a new Task.
 *
 * @param namespace of a request that names none, nor one of its template: that one is the Task's
 * @param at the path of the request within a batch, for error messages
 * @throws {TaskRunError} `INVALID_ARGUMENT` if a value cannot be converted
 */
export function createInit(
  request: CreateTask,
  namespace: string,
  at = "",
): Exclude<MessageInitShape<typeof CreateTaskRequestSchema>, { $typeName: string }> {
  if (typeof request !== "object" || request === null) throw wrongArgument(`${at}request`, "is no object.");
  const slip = slipIn(request, taskNames);
  if (slip !== undefined) throw wrongArgument(`${at}request`, slip);
  const {
    agent,
    input: _,
    inputJson: __,
    labels,
    template,
    workerSelector,
    timeoutMs,
    startAtMs,
    budget,
    ...same
  } = request;
  return {
    ...same,
    agentName: agent ?? "",
    inputJson: jsonTextOf(request, "input", `${at}input_json`),
    labels: labels ?? {},
    workerSelector: workerSelector ?? {},
    timeoutMs: wholeNumber(timeoutMs, `${at}timeout_ms`),
    startAtMs: instantOf(startAtMs, `${at}start_at_ms`),
    namespace: request.namespace ?? (template?.namespace ? "" : namespace),
    idempotencyKey: keyOr(request.idempotencyKey),
    ...(budget && { budget: budgetInit(budget, `${at}budget`) }),
    ...(template && { template: templateOf(template, `${at}template`) }),
  };
}

function templateOf(template: NonNullable<CreateTask["template"]>, field: string) {
  if (typeof template !== "object") throw wrongArgument(field, "is no object: name it as { name, version }.");
  const { namespace = "", name, version = "" } = template;
  return { namespace, name, version };
}

/** The JSON text of a value that may be given as it is, or as text under the name that ends in `Json`; empty for neither. */
export function jsonTextOf(given: object, name: "input" | "result", field: string): string {
  const { [name]: value, [`${name}Json`]: text } = given as Readonly<Record<string, unknown>>;
  if (text === undefined) return value === undefined ? "" : jsonText(value, field);
  if (value !== undefined) throw wrongArgument(field, `is given twice: leave out ${name} or ${name}Json.`);
  // Text that is none is refused with the rest of the request.
  return text as string;
}
