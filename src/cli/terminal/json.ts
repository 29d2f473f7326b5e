import type { Step, Task, TaskEvent } from "#client/index";
import { escapeJsonControls } from "#domain/text/controls";
import { jsonTextOrNull, writeJson } from "./json-text.js";

/**
 * The output of `--json`: the client's objects, in which inputs and results are values as they were written. A single task or worker is one document;
 * lists and watches are JSON Lines, which can be read incrementally.
 */

export function taskJson(task: Task): object {
  const { inputJson, outputJson, steps, ...rest } = task;
  return {
    ...rest,
    input: jsonTextOrNull(inputJson),
    output: jsonTextOrNull(outputJson),
    steps: steps.map(stepJson),
  };
}

export function stepJson(step: Step): object {
  const { outputJson, ...rest } = step;
  return { ...rest, output: jsonTextOrNull(outputJson) };
}

export function eventJson(event: TaskEvent): unknown {
  switch (event.type) {
    case "task":
      return { ...event, task: carried(taskJson(event.task)) };
    case "step":
      return { ...event, step: carried(stepJson(event.step)) };
    default:
      return event;
  }
}

/** Removes empty fields: events leave out long values, which must not look like empty ones. */
function carried(whole: object): object {
  const absent = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => !absent(value)));
}

/* Escapes have the same meaning to programs, and none to a terminal. */

export function document(value: unknown): string {
  return `${escapeJsonControls(writeJson(value, "indented"))}\n`;
}

export function line(value: unknown): string {
  return `${escapeJsonControls(writeJson(value, "line"))}\n`;
}
