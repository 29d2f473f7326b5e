import { inputOf, outputOf, type Step, type Task, type TaskEvent } from "#client/index";

/**
 * The shapes that `--json` prints: what the client answers with, inputs and results parsed. One task or worker is
 * one document; lists and watches are JSON Lines, an element a line, so that they can be read as they come.
 */

export function taskJson(task: Task): object {
  const { inputJson: _input, outputJson: _output, steps, ...rest } = task;
  return {
    ...rest,
    input: inputOf(task) ?? null,
    output: outputOf(task) ?? null,
    steps: steps.map(stepJson),
  };
}

export function stepJson(step: Step): object {
  const { outputJson: _output, ...rest } = step;
  return { ...rest, output: outputOf(step) ?? null };
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

/** Events leave out what would repeat itself or be long; what one does not carry must not look like an empty one. */
function carried(whole: object): object {
  const absent = (value: unknown) => value === null || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => !absent(value)));
}

export function document(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
