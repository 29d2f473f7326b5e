import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import type { Needs } from "#domain/needs";
import {
  forKinds,
  idOfKey,
  type KeyedKindName,
  keyedKindNames,
  type Revisioned,
  type RowKindName,
  rowKindNames,
  type TextKey,
  type TextKindName,
  textId,
  textKindNames,
  textPlace,
} from "#domain/row-kinds";
import { isOver } from "#domain/task/run";
import { hasEnded } from "#domain/task/step";
import type { TemplateRow } from "#domain/template/template";
import type { Loaded, LoadedRows, LoadedTexts } from "#ports/store-turns";
import { type Kept, keyOf, type MemoryTables, runIn } from "./reads.js";

/** Answers the needs of a turn. Graphs come first, so that their Steps stay in the order of the graph. */
export function loadFrom(tables: MemoryTables, needs: Needs): Loaded {
  const answer = new Answer(tables);
  for (const id of needs.graphs ?? []) answer.graph(id);
  for (const id of needs.wholeTasks ?? []) answer.wholeTask(id);
  for (const name of keyedKindNames) for (const key of needs[name] ?? []) answer.keyed(name, key);
  for (const session of needs.heldBy ?? []) answer.heldBy(session);
  for (const { namespace, key } of needs.keys ?? []) answer.task(tables.taskOfKey.get(keyOf(namespace, key)));
  const templates = new Set<TemplateRow>();
  for (const ref of needs.templates ?? []) {
    const row = tables.templates.get(ref);
    if (row) templates.add(row);
  }
  return {
    ...forKinds<LoadedRows>(rowKindNames, (name) => [...answer.rows[name]]),
    ...forKinds<LoadedTexts>(textKindNames, (name) => textsOf(tables, name, needs[name] ?? [])),
    templates: [...templates],
  };
}

/** Removes duplicates by identity: a row is the same object until it is replaced. */
class Answer {
  readonly rows = forKinds<Record<RowKindName, Set<Revisioned>>>(rowKindNames, () => new Set());
  readonly #tables: MemoryTables;

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  task(id: TaskId | undefined): Kept | undefined {
    const kept = id && this.#tables.tasks.get(id);
    if (kept) this.rows.tasks.add(kept.task);
    return kept;
  }

  graph(id: TaskId): void {
    for (const step of this.task(id)?.steps.values() ?? []) this.rows.steps.add(step);
  }

  wholeTask(id: TaskId): void {
    const kept = this.task(id);
    for (const step of kept?.steps.values() ?? []) if (!hasEnded(step.state)) this.rows.steps.add(step);
    for (const run of kept?.runs.values() ?? []) {
      if (!isOver(run.status) || run.heldBy !== "") this.rows.runs.add(run);
    }
  }

  heldBy(session: SessionId): void {
    for (const { runs } of this.#tables.tasks.values()) {
      for (const { id, heldBy } of runs.values()) if (heldBy === session) this.#run(id);
    }
  }

  keyed(name: KeyedKindName, key: unknown): void {
    if (name === "steps") this.#step(key as StepKey);
    else if (name === "runs") this.#run(key as RunId);
    else this.#single(name, idOfKey(name, key));
  }

  #single(name: RowKindName, id: string): void {
    const row = this.#tables.singles.get(name)?.get(id);
    if (row) this.rows[name].add(row);
  }

  #step({ taskId, stepName }: StepKey): void {
    const step = this.task(taskId)?.steps.get(stepName);
    if (step) this.rows.steps.add(step);
  }

  #run(id: RunId): void {
    const run = runIn(this.#tables, id);
    if (!run) return;
    this.rows.runs.add(run);
    this.#step(run);
  }
}

function textsOf({ tasks }: MemoryTables, kind: TextKindName, keys: readonly TextKey[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const key of keys) {
    const [taskId, name] = textPlace(key);
    const text = tasks.get(taskId)?.texts[kind].get(name);
    if (text !== undefined) found.set(textId(key), text);
  }
  return found;
}
