import type { RowRef } from "#domain/conflict";
import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import { keyOfId, rowKinds } from "#domain/row-kinds";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Loaded } from "#ports/store-turns";
import type { Journal } from "./journal.js";
import type { RowChanges } from "./row-changes.js";

/** A Task with those of its Steps and Runs that the turn has loaded or made. */
interface Family {
  task: TaskRow | undefined;
  /** True if every live Step and Run of it is loaded. */
  whole: boolean;
  /** True if every Step of it is loaded. */
  complete: boolean;
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
}

/** The Tasks of a turn with their Steps and Runs. Every change goes through the journal; what is loaded does not. */
export class Families {
  readonly #journal: Journal;
  readonly #families = new Map<TaskId, Family>();
  readonly #taskOfRun = new Map<RunId, TaskId>();
  /** Tasks by the idempotency key they own. */
  readonly #holders = new Map<string, TaskId>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Adds rows from the store, as `Workspace.take` says. */
  take({ tasks, steps, runs }: Loaded, whole: readonly TaskId[], graphs: readonly TaskId[]): void {
    for (const row of tasks) {
      const family = this.#family(row.id);
      if (family.task) continue;
      family.task = row;
      if (row.ownsKey) this.#holders.set(keyName(row.namespace, row.spec.idempotencyKey), row.id);
    }
    for (const row of steps) {
      const family = this.#family(row.taskId);
      if (family.steps.has(row.name)) continue;
      family.steps.set(row.name, row);
    }
    for (const row of runs) {
      const family = this.#family(row.taskId);
      if (family.runs.has(row.id)) continue;
      family.runs.set(row.id, row);
      this.#taskOfRun.set(row.id, row.taskId);
    }
    for (const taskId of whole) this.#family(taskId).whole = true;
    for (const taskId of graphs) this.#family(taskId).complete = true;
  }

  task(id: TaskId): TaskRow | undefined {
    return this.#families.get(id)?.task;
  }

  step({ taskId, stepName }: StepKey): StepRow | undefined {
    return this.#families.get(taskId)?.steps.get(stepName);
  }

  run(id: RunId): RunRow | undefined {
    const taskId = this.#taskOfRun.get(id);
    return taskId && this.#families.get(taskId)?.runs.get(id);
  }

  stepsOf(taskId: TaskId): StepRow[] {
    return [...(this.#families.get(taskId)?.steps.values() ?? [])];
  }

  runsOf(taskId: TaskId): RunRow[] {
    return [...(this.#families.get(taskId)?.runs.values() ?? [])];
  }

  heldBy(session: SessionId): RunRow[] {
    const held: RunRow[] = [];
    for (const { runs } of this.#families.values()) {
      for (const run of runs.values()) if (run.heldBy === session) held.push(run);
    }
    return held;
  }

  ownerOf(namespace: string, key: string): TaskId | undefined {
    return this.#holders.get(keyName(namespace, key));
  }

  isWhole(taskId: TaskId): boolean {
    return this.#families.get(taskId)?.whole ?? false;
  }

  isComplete(taskId: TaskId): boolean {
    return this.#families.get(taskId)?.complete ?? false;
  }

  /** A new Task: all of it will be here. */
  add(task: TaskRow): void {
    const family = this.#family(task.id);
    family.whole = true;
    family.complete = true;
    this.putTask(task);
    this.#journal.set(this.#holders, keyName(task.namespace, task.spec.idempotencyKey), task.id);
  }

  putTask(row: TaskRow): void {
    const family = this.#family(row.id);
    const before = family.task;
    family.task = row;
    this.#journal.changed(() => {
      family.task = before;
    });
  }

  putStep(row: StepRow): void {
    this.#journal.set(this.#family(row.taskId).steps, row.name, row);
  }

  putRun(row: RunRow): void {
    this.#journal.set(this.#family(row.taskId).runs, row.id, row);
    this.#journal.set(this.#taskOfRun, row.id, row.taskId);
  }

  /** The Tasks of these rows, as far as they are known. */
  tasksOf(rows: readonly Pick<RowRef, "kind" | "id">[]): ReadonlySet<TaskId> {
    const ids = new Set<TaskId>();
    for (const { kind, id } of rows) {
      const taskId = kind === "runs" ? this.#taskOfRun.get(id as RunId) : (keyOfId(kind, id)[0] as TaskId);
      if (taskId) ids.add(taskId);
    }
    return ids;
  }

  /** Forgets a Task, except for the rows that the turn writes. */
  forget(taskId: TaskId, written: RowChanges): void {
    const family = this.#families.get(taskId);
    if (!family) return;
    family.whole = false;
    family.complete = false;
    if (!written.writes("tasks", taskId)) family.task = undefined;
    for (const [name, row] of family.steps) {
      if (!written.writes("steps", rowKinds.steps.idOf(row))) family.steps.delete(name);
    }
    for (const id of family.runs.keys()) {
      if (written.writes("runs", id)) continue;
      family.runs.delete(id);
      this.#taskOfRun.delete(id);
    }
    if (family.task) return;
    for (const [key, owner] of this.#holders) if (owner === taskId) this.#holders.delete(key);
  }

  #family(taskId: TaskId): Family {
    let family = this.#families.get(taskId);
    if (!family) {
      family = { task: undefined, whole: false, complete: false, steps: new Map(), runs: new Map() };
      this.#families.set(taskId, family);
    }
    return family;
  }
}

/**
 * One string for a namespace and an idempotency key. Quoted, because both come from clients and may have any
 * characters.
 */
export function keyName(namespace: string, key: string): string {
  return JSON.stringify([namespace, key]);
}
