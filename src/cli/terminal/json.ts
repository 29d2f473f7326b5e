import { inputOf, outputOf, type Step, type Task, type TaskEvent } from "#client/index";

/**
 * The output of `--json`: the client's objects with inputs and results parsed. A single task or worker is one document;
 * lists and watches are JSON Lines, which can be read incrementally.
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

/** Removes empty fields: events leave out long values, which must not look like empty ones. */
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
