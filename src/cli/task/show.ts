import type { Task, TaskEvent } from "#client/index";
import { type Colors, duration, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { eventJson, line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { abridgedResult } from "./result.js";

/** Shows the events of a watched task. */
export interface Show {
  tell(event: TaskEvent): Promise<void>;
  /** Prints a line that is not part of the task's log. */
  note(text: string): Promise<void>;
  /** Ends the display. */
  close(): Promise<void>;
}

/** Shows events as JSON Lines. */
export function eventLines({ stdout, stderr }: Io): Show {
  return {
    tell: (event) => stdout.write(line(eventJson(event))),
    note: (text) => stderr.write(`${text}\n`),
    async close() {},
  };
}

/** Formats the end of a task and its result, for people. */
export function endOf(task: Task, colors: Colors, { self }: Pick<Io, "self">): readonly string[] {
  const { outputJson } = task;
  const id = oneLine(task.id);
  const lasted = task.createdAtMs > 0 ? ` after ${duration(task.finishedAtMs - task.createdAtMs)}` : "";
  const why = task.errorMessage === "" ? "" : `: ${oneLine(task.errorMessage)}`;
  return [
    `task ${id}: ${paintStatus(colors, task.status)}${lasted}${why}`,
    ...(outputJson === "" ? [] : [`result ${abridgedResult(outputJson, `${self} task get ${id} --json`)}`]),
  ];
}
