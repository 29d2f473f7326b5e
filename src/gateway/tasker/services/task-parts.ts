import type { JsonObject } from "@bufbuild/protobuf";
import { getDeadLetter } from "#api/dead-letters/get-dead-letter";
import { getTask } from "#api/tasks/get-task";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { TaskView } from "#domain/task/view";
import { millis } from "#domain/time/time";
import type { Call } from "../../rpc.js";
import { uuidIn } from "./fields.js";
import { StructRoom } from "./struct-room.js";
import { parsedJson, structOf } from "./structs.js";

/** The Task of a request. @throws {Fault} `invalid` if its id is no UUID */
export function taskOf({ taskUuid }: { readonly taskUuid: string }, call: Call): Promise<TaskView> {
  return run(getTask, { id: uuidIn("task_uuid", taskUuid) }, call);
}

/** What a Task was given, what its Steps have made by their names, and both together. */
export interface ContextParts {
  readonly inputs: JsonObject;
  readonly outputs: JsonObject;
  /** Of a name that both have the output counts. */
  readonly merged: JsonObject;
}

/**
 * Whole: with the result of every Step that has one.
 *
 * @throws {Fault} `overloaded`, not to be sent again, if it does not fit into one answer, naming Steps whose results are to be read alone
 */
export function wholeContext(view: TaskView): ContextParts {
  const { steps = [], results } = view;
  const having = steps.filter(({ outputBytes }) => outputBytes > 0);
  const parts = having.every(({ name }) => results?.has(name)) && contextParts(view, new StructRoom());
  if (parts) return parts;
  throw contextTooLarge(having.map(({ name }) => name));
}

/** With as many results as the view has; undefined if there is no room for them. */
export function contextParts(
  { input = "", results = new Map() }: TaskView,
  room: StructRoom,
): ContextParts | undefined {
  // Everything is there twice: on its own, and in both together.
  if (!room.take([input, ...results.values()], 2)) return undefined;
  const inputs = structOf(input) ?? {};
  const outputs = Object.fromEntries([...results].map(([name, text]) => [name, parsedJson(text)]));
  return { inputs, outputs, merged: { ...inputs, ...outputs } };
}

function contextTooLarge(names: readonly string[]): Fault {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  const others = names.length > shown.length ? ` and ${names.length - shown.length} others` : "";
  const message = `the context does not fit into one answer: read the results of ${shown.join(", ")}${others} by StepService/GetStep, and the input by GetTask.`;
  return new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}

/** The dead letter of a Task; undefined if it has none. */
export async function letterOf({ task }: TaskView, call: Call): Promise<DeadLetterRow | undefined> {
  if (!task.hasDeadLetter) return undefined;
  try {
    return (await run(getDeadLetter, { taskId: task.id satisfies TaskId }, call)).letter;
  } catch (error) {
    // Removed since.
    if (error instanceof Fault && error.code === "not_found") return undefined;
    throw error;
  }
}
