import { Fault } from "#domain/fault";
import type { Labels } from "#domain/task/task";
import { labelsOf, type TaskerNotes } from "./labels.js";

/** A Task to create, as clients of Tasker ask for it. Texts that were not given are empty. */
export interface TaskerNewTask extends TaskerNotes {
  /** The template. */
  readonly name: string;
  readonly namespace: string;
  /** Empty for the newest. */
  readonly version: string;
  /** The input as JSON text: an object. Empty means `{}`. */
  readonly context: string;
  readonly initiator: string;
  readonly priority: number;
  readonly correlationId: string;
  readonly idempotencyKey: string;
}

/** The input of CreateTask and RunTask. */
export interface NewTaskFields {
  readonly agentName: string;
  readonly template: { readonly namespace: string; readonly name: string; readonly version: string };
  readonly inputJson: string;
  readonly createdBy: string;
  readonly labels: Labels;
  readonly idempotencyKey: string;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly namespace: string;
  readonly workerSelector: Labels;
  readonly correlationId: string;
  readonly startAtMs: number;
}

/**
 * What CreateTask is to be asked with. The template and the Task are of the same namespace; without one the use case takes the
 * caller's own.
 *
 * @throws {Fault} `invalid`, naming the field of Tasker
 */
export function newTaskFields(asked: TaskerNewTask): NewTaskFields {
  const { name, namespace, version, context, initiator, priority, correlationId, idempotencyKey } = asked;
  if (name === "") {
    const message = "name is required: send the name of a template, as the list of templates shows it.";
    throw new Fault("invalid", message, { field: "name" });
  }
  return {
    agentName: "",
    template: { namespace, name, version },
    inputJson: context,
    createdBy: initiator,
    labels: labelsOf(asked),
    ...{ idempotencyKey, priority, namespace, correlationId },
    timeoutMs: 0,
    maxAttempts: 0,
    workerSelector: {},
    startAtMs: 0,
  };
}
