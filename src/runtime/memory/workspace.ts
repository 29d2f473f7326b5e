import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import type { SliceReader } from "#domain/json/slice-reader";
import { idOfKey, type KeyedKindName, rowKinds } from "#domain/row-kinds";
import type { Deadline } from "#domain/task/deadline";
import type { LogEntry } from "#domain/task/log";
import { isOver, type RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import type { SharedText } from "#domain/task/step-input";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Commit, Loaded } from "#ports/store-turns";
import type { Effect } from "../turn/effect.js";
import { AgentWrites } from "./agent-writes.js";
import type { Journal } from "./journal.js";
import { LaneWrites } from "./lane-writes.js";
import { RowChanges } from "./row-changes.js";
import { rowsRead } from "./rows-read.js";
import { TemplateWrites } from "./template-writes.js";

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

/** One row before and after a cascade. */
export interface Change<Row> {
  readonly before: Row | undefined;
  readonly after: Row;
}

/**
 * The rows of a turn, as loaded and as changed, and everything else that its commit contains. A cascade sees the
 * changes of earlier cascades. Every change goes through the journal, so that a cascade can be rolled back as one.
 */
export class Workspace {
  readonly #journal: Journal;
  readonly #families = new Map<TaskId, Family>();
  readonly #taskOfRun = new Map<RunId, TaskId>();
  /** Tasks by the idempotency key they own. */
  readonly #holders = new Map<string, TaskId>();
  /** Changed rows of every kind, texts, and rows that are not part of a Task's graph. */
  readonly rows: RowChanges;
  readonly agents: AgentWrites;
  readonly templates: TemplateWrites;
  readonly lanes: LaneWrites;
  readonly #log = new Map<TaskId, LogEntry[]>();
  readonly #deadlines = new Map<string, Deadline>();
  /** Task inputs as the assignments of the turn share them; added when first sent. */
  readonly sharedInputs = new Map<TaskId, SharedText>();
  /** Texts that mapped inputs of the turn are read from. */
  readonly sliceReaders = new Map<string, SliceReader>();
  /** Performed in this order once the commit has landed. */
  readonly effects: Effect[] = [];
  /** Every changed row, cascade by cascade, for the scheduler, metrics and the inspector. */
  readonly changes = {
    tasks: [] as Change<TaskRow>[],
    steps: [] as Change<StepRow>[],
    runs: [] as Change<RunRow>[],
  };

  constructor(journal: Journal) {
    this.#journal = journal;
    this.rows = new RowChanges(journal);
    this.agents = new AgentWrites(journal);
    this.templates = new TemplateWrites(journal);
    this.lanes = new LaneWrites(journal);
  }

  get inputs(): ReadonlyMap<string, string> {
    return this.rows.texts.inputs;
  }

  get stepInputs(): ReadonlyMap<string, string> {
    return this.rows.texts.stepInputs;
  }

  get outputs(): ReadonlyMap<string, string> {
    return this.rows.texts.outputs;
  }

  /**
   * Adds rows from the store. A row that is already present is kept: it may be newer.
   *
   * @param whole Tasks whose live Steps and Runs are now all loaded
   * @param graphs Tasks whose Steps are now all loaded
   */
  take(loaded: Loaded, whole: readonly TaskId[] = [], graphs: readonly TaskId[] = []): void {
    const { tasks, steps, runs, templates } = loaded;
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
    this.rows.take(loaded);
    this.templates.take(templates);
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

  /** The Task that owns an idempotency key; undefined for the empty key. */
  keyOwner(namespace: string, key: string): TaskRow | undefined {
    const taskId = key === "" ? undefined : this.#holders.get(keyName(namespace, key));
    return taskId && this.task(taskId);
  }

  /** True if every live Step and Run of the Task is loaded. */
  isWhole(taskId: TaskId): boolean {
    return this.#families.get(taskId)?.whole ?? false;
  }

  /** True if every Step of the Task is loaded. */
  isComplete(taskId: TaskId): boolean {
    return this.#families.get(taskId)?.complete ?? false;
  }

  /** The Task's Steps that this turn has loaded or made, in DAG order. */
  stepsOf(taskId: TaskId): StepRow[] {
    return [...(this.#families.get(taskId)?.steps.values() ?? [])];
  }

  liveSteps(taskId: TaskId): StepRow[] {
    return this.stepsOf(taskId).filter(({ state }) => !hasEnded(state));
  }

  liveRuns(taskId: TaskId): RunRow[] {
    return this.runsOf(taskId).filter(({ status }) => !isOver(status));
  }

  /** The Task's Runs that this turn has loaded or made, oldest first. */
  runsOf(taskId: TaskId): RunRow[] {
    return [...(this.#families.get(taskId)?.runs.values() ?? [])];
  }

  addTask(task: TaskRow, input: string): void {
    const family = this.#family(task.id);
    family.whole = true;
    family.complete = true;
    this.putTask(task);
    this.#journal.set(this.#holders, keyName(task.namespace, task.spec.idempotencyKey), task.id);
    this.rows.keepText("inputs", { taskId: task.id, json: input });
  }

  putTask(row: TaskRow): void {
    const family = this.#family(row.id);
    const before = family.task;
    family.task = row;
    this.#journal.changed(() => {
      family.task = before;
    });
    this.rows.changed("tasks", row.id, row);
  }

  putStep(row: StepRow): void {
    this.#journal.set(this.#family(row.taskId).steps, row.name, row);
    this.rows.changed("steps", rowKinds.steps.idOf(row), row);
  }

  putRun(row: RunRow): void {
    this.#journal.set(this.#family(row.taskId).runs, row.id, row);
    this.#journal.set(this.#taskOfRun, row.id, row.taskId);
    this.rows.changed("runs", row.id, row);
  }

  /** True if the row is loaded, and for a Step its Task too. */
  has(name: KeyedKindName, key: unknown): boolean {
    if (name === "steps") {
      const step = key as StepKey;
      return this.step(step) !== undefined && this.task(step.taskId) !== undefined;
    }
    if (name === "runs") return this.run(key as RunId) !== undefined;
    return this.rows.single(name, idOfKey(name, key)) !== undefined;
  }

  record(taskId: TaskId, entry: LogEntry): void {
    const entries = this.#log.get(taskId);
    if (entries) this.#journal.push(entries, entry);
    else this.#journal.set(this.#log, taskId, [entry]);
  }

  setDeadline(deadline: Deadline): void {
    this.#journal.set(this.#deadlines, `${stepKey(deadline)} ${deadline.kind}`, deadline);
  }

  effect(effect: Effect): void {
    this.#journal.push(this.effects, effect);
  }

  /** The log entries that the turn adds, Task by Task, in the order of the commit. */
  get log(): Commit["log"] {
    return [...this.#log].map(([taskId, entries]) => ({ taskId, entries }));
  }

  get changedRows(): number {
    return this.rows.size;
  }

  /** The deadlines the turn sets, for the timers. */
  get deadlines(): Deadline[] {
    return [...this.#deadlines.values()];
  }

  /**
   * Everything that the turn writes, as one commit; undefined if there is nothing to write.
   *
   * @param id names the commit
   * @param shared true if other processes write the store too: then the commit has all rows that were loaded
   */
  commit(at: Instant, id: string, shared = false): Commit | undefined {
    const { log } = this;
    const deadlines = this.deadlines;
    const { lanesAdded, lanesRemoved } = this.lanes.toCommit();
    const templates = this.templates.toCommit();
    const { agents, agentsForgotten } = this.agents.toCommit();
    const others = [log, deadlines, lanesAdded, lanesRemoved, templates, agents, agentsForgotten];
    if (this.changedRows === 0 && others.every(({ length }) => length === 0)) return undefined;

    return {
      id,
      at,
      ...(shared && { read: rowsRead(this.#families.values(), this.rows) }),
      ...this.rows.toCommit(),
      templates,
      log,
      deadlines,
      lanesAdded,
      lanesRemoved,
      agents,
      agentsForgotten,
    };
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
