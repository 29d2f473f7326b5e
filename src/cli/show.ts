import { outputOf, type Task, type TaskEvent } from "#client/index";
import { type Colors, duration, paintStatus } from "./format.js";
import type { Io } from "./io.js";
import { eventJson, line } from "./json.js";
import { oneLine, sanitize } from "./terminal-sanitizer.js";

/** A way to show what happens to a task while it is watched. */
export interface Show {
  tell(event: TaskEvent): Promise<void>;
  /** Says something that is not in the task's log, on a line of its own. */
  note(text: string): Promise<void>;
  /** Nothing more comes. */
  close(): Promise<void>;
}

/** For programs: an event a line. */
export function eventLines({ stdout, stderr }: Io): Show {
  return {
    tell: (event) => stdout.write(line(eventJson(event))),
    note: (text) => stderr.write(`${text}\n`),
    async close() {},
  };
}

/** How a task has ended, and with what result: lines for people. */
export function endOf(task: Task, colors: Colors): readonly string[] {
  const lasted = task.createdAtMs > 0 ? ` after ${duration(task.finishedAtMs - task.createdAtMs)}` : "";
  const why = task.errorMessage === "" ? "" : `: ${oneLine(task.errorMessage)}`;
  const result = outputOf(task);
  return [
    `task ${task.id}: ${paintStatus(colors, task.status)}${lasted}${why}`,
    ...(result === undefined ? [] : [`result ${sanitize(JSON.stringify(result, null, 2))}`]),
  ];
}
