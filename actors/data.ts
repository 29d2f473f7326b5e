import { readPath } from "#domain/graph/path";
import type { TaskId } from "#domain/id";
import { sliceAt } from "#domain/json/slices";
import type { Needs } from "#domain/needs";
import type { MessageView } from "./view.js";

/** What a path of the Task's data begins in: its input, or the result of a Step. */
export function dataNeeds(path: string, taskId: TaskId): Needs {
  const place = readPath(path);
  if (!place) return {};
  return place.stepName === ""
    ? { inputs: [taskId] }
    : { inputs: [taskId], outputs: [{ taskId, stepName: place.stepName }] };
}

/** What lies at a path of the Task's data, as JSON text; undefined if nothing does. */
export function dataAt(path: string, taskId: TaskId, view: MessageView): string | undefined {
  const place = readPath(path);
  if (!place) return undefined;
  const text =
    place.stepName === "" ? inputOf(taskId, view) : view.output({ taskId, stepName: place.stepName });
  return text === undefined ? undefined : sliceAt(text, place.parts);
}

/** A Task's input as JSON text. */
export function inputOf(taskId: TaskId, view: MessageView): string {
  return view.input(taskId) ?? "{}";
}
