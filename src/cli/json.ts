import { inputOf, outputOf, type Step, type Task, type TaskEvent } from "#client/index";

/**
 * The shapes that `--json` prints: what the client answers with, inputs and results parsed. One task or worker is
 * one document; lists and watches are JSON Lines, an element a line, so that they can be read as they come.
 */

export function taskJson(task: Task): unknown {
  const { inputJson: _input, outputJson: _output, steps, ...rest } = task;
  return {
    ...rest,
    input: inputOf(task) ?? null,
    output: outputOf(task) ?? null,
    steps: steps.map(stepJson),
  };
}

function stepJson(step: Step): unknown {
  const { outputJson: _output, ...rest } = step;
  return { ...rest, output: outputOf(step) ?? null };
}

export function eventJson(event: TaskEvent): unknown {
  switch (event.type) {
    case "task":
      return { ...event, task: taskJson(event.task) };
    case "step":
      return { ...event, step: stepJson(event.step) };
    default:
      return event;
  }
}

export function document(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
