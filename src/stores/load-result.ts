import { type RunId, stepKey, type TaskId } from "#domain/id";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import { type TemplateRow, templateKey } from "#domain/template";
import type { Loaded } from "#ports/store";

/** An answer to the needs of a turn, as it is put together. */
export interface LoadResult {
  readonly tasks: Map<TaskId, TaskRow>;
  /** By {@link stepKey}, as are the texts of Steps. */
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
  readonly inputs: Map<TaskId, string>;
  readonly stepInputs: Map<string, string>;
  readonly outputs: Map<string, string>;
  readonly templates: Map<string, TemplateRow>;
}

/** An empty answer to fill. */
export function nothingFound(): LoadResult {
  return {
    tasks: new Map(),
    steps: new Map(),
    runs: new Map(),
    inputs: new Map(),
    stepInputs: new Map(),
    outputs: new Map(),
    templates: new Map(),
  };
}

export function keyOfStep({ taskId, name }: StepRow): string {
  return stepKey({ taskId, stepName: name });
}

/**
 * What was found here, and what only the store has. A row known here and found there is one; it takes its place
 * from there, where all Steps of a graph are in order, and what it says from here, which is the newer.
 */
export function loadedOf(here: LoadResult, there?: Loaded): Loaded {
  if (!there) {
    const { tasks, steps, runs, templates, ...texts } = here;
    return {
      tasks: [...tasks.values()],
      steps: [...steps.values()],
      runs: [...runs.values()],
      templates: [...templates.values()],
      ...texts,
    };
  }
  return {
    tasks: united(there.tasks, here.tasks, ({ id }) => id),
    steps: united(there.steps, here.steps, keyOfStep),
    runs: united(there.runs, here.runs, ({ id }) => id),
    templates: united(there.templates, here.templates, templateKey),
    inputs: new Map([...there.inputs, ...here.inputs]),
    stepInputs: new Map([...there.stepInputs, ...here.stepInputs]),
    outputs: new Map([...there.outputs, ...here.outputs]),
  };
}

function united<Key extends string, Row>(
  there: readonly Row[],
  here: ReadonlyMap<Key, Row>,
  keyOf: (row: Row) => Key,
): Row[] {
  const byKey = new Map(there.map((row) => [keyOf(row), row]));
  for (const [key, row] of here) byKey.set(key, row);
  return [...byKey.values()];
}
