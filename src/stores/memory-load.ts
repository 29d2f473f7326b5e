import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { isOver, type RunRow } from "#domain/run";
import { isSettled, type StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import type { Loaded, Needs } from "#ports/store";
import { type Kept, keyOf, type MemoryTables, runIn } from "./memory-reads.js";

/** Answers the needs of a turn. Graphs come first, so that their Steps stay in the order of the DAG. */
export function loadFrom(tables: MemoryTables, needs: Needs): Loaded {
  const answer = new Answer(tables);
  for (const id of needs.graphs ?? []) answer.graph(id);
  for (const id of needs.wholeTasks ?? []) answer.wholeTask(id);
  for (const key of needs.steps ?? []) answer.step(key);
  for (const id of needs.runs ?? []) answer.run(id);
  for (const { namespace, key } of needs.keys ?? []) answer.task(tables.taskOfKey.get(keyOf(namespace, key)));

  return {
    tasks: [...answer.tasks],
    steps: [...answer.steps],
    runs: [...answer.runs],
    inputs: new Map((needs.inputs ?? []).flatMap((id) => pairOf<TaskId>(id, tables.tasks.get(id)?.input))),
    stepInputs: textsOf(tables, needs.stepInputs, ({ stepInputs }) => stepInputs),
    outputs: textsOf(tables, needs.outputs, ({ outputs }) => outputs),
    templates: [
      ...new Set(
        (needs.templates ?? []).flatMap((ref): TemplateRow[] => {
          const row = tables.templates.get(ref);
          return row ? [row] : [];
        }),
      ),
    ],
  };
}

/** Rows are immutable and the same while they are not replaced, so that a Set holds each once. */
class Answer {
  readonly tasks = new Set<TaskRow>();
  readonly steps = new Set<StepRow>();
  readonly runs = new Set<RunRow>();
  readonly #tables: MemoryTables;

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  task(id: TaskId | undefined): Kept | undefined {
    const kept = id && this.#tables.tasks.get(id);
    if (kept) this.tasks.add(kept.task);
    return kept;
  }

  graph(id: TaskId): void {
    for (const step of this.task(id)?.steps.values() ?? []) this.steps.add(step);
  }

  wholeTask(id: TaskId): void {
    const kept = this.task(id);
    for (const step of kept?.steps.values() ?? []) if (!isSettled(step.state)) this.steps.add(step);
    for (const run of kept?.runs.values() ?? []) {
      if (!isOver(run.status) || run.heldBy !== "") this.runs.add(run);
    }
  }

  step({ taskId, stepName }: StepKey): void {
    const step = this.task(taskId)?.steps.get(stepName);
    if (step) this.steps.add(step);
  }

  run(id: RunId): void {
    const run = runIn(this.#tables, id);
    if (!run) return;
    this.runs.add(run);
    this.step(run);
  }
}

function textsOf(
  { tasks }: MemoryTables,
  keys: readonly StepKey[] | undefined,
  mapOf: (kept: Kept) => ReadonlyMap<string, string>,
): Map<string, string> {
  const found = (keys ?? []).flatMap((key) => {
    const kept = tasks.get(key.taskId);
    return pairOf(stepKey(key), kept && mapOf(kept).get(key.stepName));
  });
  return new Map(found);
}

function pairOf<Key extends string>(key: Key, text: string | undefined): [Key, string][] {
  return text === undefined ? [] : [[key, text]];
}
