import type { RowRef } from "#domain/conflict";
import { type NodeId, type RunId, type SessionId, type StepKey, stepKey, type TaskId } from "#domain/id";
import type { SliceReader } from "#domain/json/slice-reader";
import {
  idOfKey,
  type KeyedKindName,
  type Revisioned,
  type RowKindName,
  type RowOf,
  rowKind,
  rowKinds,
} from "#domain/row-kinds";
import type { Deadline } from "#domain/task/deadline";
import type { LogEntry } from "#domain/task/log";
import { isOver, type RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import type { SharedText } from "#domain/task/step-input";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { Commit, Loaded, ResultCopy } from "#ports/store-turns";
import type { Effect } from "../turn/effect.js";
import { AgentWrites } from "./agent-writes.js";
import { AuditWrites } from "./audit-writes.js";
import { commitOf } from "./commit-of.js";
import type { CommitTerms } from "./commit-terms.js";
import { Families } from "./families.js";
import type { Journal } from "./journal.js";
import { LaneWrites } from "./lane-writes.js";
import { PauseWrites } from "./pauses.js";
import { RowChanges, type SingleKindName } from "./row-changes.js";
import type { RowsSeen } from "./rows-seen.js";
import { TemplateWrites } from "./template-writes.js";
import { UsageWrites } from "./usage-writes.js";

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
  readonly #families: Families;
  /** Changed rows of every kind, texts, and rows that are not part of a Task's graph. */
  readonly rows: RowChanges;
  readonly agents: AgentWrites;
  readonly templates: TemplateWrites;
  readonly lanes: LaneWrites;
  readonly pauses: PauseWrites;
  readonly audit: AuditWrites;
  readonly usage: UsageWrites;
  readonly #log = new Map<TaskId, LogEntry[]>();
  readonly #deadlines = new Map<string, Deadline>();
  /** Task inputs as the assignments of the turn share them; added when first sent. */
  readonly sharedInputs = new Map<TaskId, SharedText>();
  /** Texts that mapped inputs of the turn are read from. */
  readonly sliceReaders = new Map<string, SliceReader>();
  /** What the unit that is being decided has seen; undefined between units, and of a store that has one process. */
  seen: RowsSeen | undefined;
  /** Sessions of other nodes that are to look at their worker's row once the commit has landed. */
  readonly workersElsewhere: { readonly node: NodeId; readonly session: SessionId }[] = [];
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
    this.#families = new Families(journal);
    this.rows = new RowChanges(journal);
    this.agents = new AgentWrites(journal);
    this.templates = new TemplateWrites(journal);
    this.lanes = new LaneWrites(journal);
    this.pauses = new PauseWrites(journal);
    this.audit = new AuditWrites(journal);
    this.usage = new UsageWrites(journal);
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
    this.#families.take(loaded, whole, graphs);
    this.rows.take(loaded);
    this.templates.take(loaded.templates);
  }

  task(id: TaskId): TaskRow | undefined {
    const row = this.#families.task(id);
    if (row && this.seen) this.seen.note("tasks", id, row.revision);
    return row;
  }

  step(key: StepKey): StepRow | undefined {
    const row = this.#families.step(key);
    if (row && this.seen) this.seen.note("steps", rowKinds.steps.idOf(row), row.revision);
    return row;
  }

  run(id: RunId): RunRow | undefined {
    const row = this.#families.run(id);
    if (row && this.seen) this.seen.note("runs", id, row.revision);
    return row;
  }

  /** A Step, for whoever decides nothing by it. */
  peekStep(key: StepKey): StepRow | undefined {
    return this.#families.step(key);
  }

  /** The lanes in which Steps wait that this turn has changed. */
  lanesWithReady(): ReadonlySet<string> {
    const lanes = new Set<string>();
    for (const { after } of this.changes.steps) {
      const now = this.#families.step({ taskId: after.taskId, stepName: after.name }) ?? after;
      if (now.state === "enqueued") lanes.add(now.lane);
    }
    return lanes;
  }

  /** The Task that owns an idempotency key; undefined for the empty key. */
  keyOwner(namespace: string, key: string): TaskRow | undefined {
    const taskId = key === "" ? undefined : this.#families.ownerOf(namespace, key);
    return taskId && this.task(taskId);
  }

  /** True if every live Step and Run of the Task is loaded. */
  isWhole(taskId: TaskId): boolean {
    return this.#families.isWhole(taskId);
  }

  /** True if every Step of the Task is loaded. */
  isComplete(taskId: TaskId): boolean {
    return this.#families.isComplete(taskId);
  }

  /** The Task's Steps that this turn has loaded or made, in DAG order. */
  stepsOf(taskId: TaskId): StepRow[] {
    const steps = this.#families.stepsOf(taskId);
    // A Step that is added moves its Task's row, so that whoever has seen all Steps has seen the Task, too.
    if (this.seen && this.task(taskId)) {
      for (const row of steps) this.seen.note("steps", rowKinds.steps.idOf(row), row.revision);
    }
    return steps;
  }

  liveSteps(taskId: TaskId): StepRow[] {
    return this.stepsOf(taskId).filter(({ state }) => !hasEnded(state));
  }

  liveRuns(taskId: TaskId): RunRow[] {
    return this.runsOf(taskId).filter(({ status }) => !isOver(status));
  }

  /** The Task's Runs that this turn has loaded or made, oldest first. */
  runsOf(taskId: TaskId): RunRow[] {
    const runs = this.#families.runsOf(taskId);
    // A Run that is added moves the row of its Step.
    if (this.seen) {
      this.stepsOf(taskId);
      for (const { id, revision } of runs) this.seen.note("runs", id, revision);
    }
    return runs;
  }

  addTask(task: TaskRow, input: string, copies: readonly ResultCopy[] = []): void {
    this.#families.add(task);
    this.#changed("tasks", task.id, task);
    if (this.seen && task.spec.idempotencyKey !== "") this.seen.takesName = true;
    this.rows.begin({ taskId: task.id, json: input }, copies);
  }

  addTemplate(row: TemplateRow): void {
    this.templates.add(row);
    if (this.seen) this.seen.takesName = true;
  }

  putTask(row: TaskRow): void {
    this.#families.putTask(row);
    this.#changed("tasks", row.id, row);
  }

  putStep(row: StepRow): void {
    this.#families.putStep(row);
    this.#changed("steps", rowKinds.steps.idOf(row), row);
  }

  putRun(row: RunRow): void {
    this.#families.putRun(row);
    this.#changed("runs", row.id, row);
  }

  /** True if the row is loaded, and for a Step its Task too. */
  has(name: KeyedKindName, key: unknown): boolean {
    if (name === "steps") {
      const step = key as StepKey;
      return this.#families.step(step) !== undefined && this.#families.task(step.taskId) !== undefined;
    }
    if (name === "runs") return this.#families.run(key as RunId) !== undefined;
    return this.rows.single(name, idOfKey(name, key)) !== undefined;
  }

  /** A row that is not part of a Task's graph. */
  single<Name extends SingleKindName>(name: Name, key: unknown): RowOf<Name> | undefined {
    const id = idOfKey(name, key);
    const row: Revisioned | undefined = this.rows.single(name, id);
    if (row && this.seen) this.seen.note(name, id, row.revision);
    return row as RowOf<Name> | undefined;
  }

  putSingle<Name extends SingleKindName>(name: Name, row: RowOf<Name>): void {
    const { revision }: Revisioned = row;
    this.seen?.note(name, rowKind(name).idOf(row), revision);
    this.rows.putSingle(name, row);
  }

  /** The Runs that are here and held by the worker of a session. */
  heldBy(session: SessionId): RunRow[] {
    return this.#families.heldBy(session);
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
   */
  commit(at: Instant, id: string, terms: CommitTerms = {}): Commit | undefined {
    return commitOf(this, at, id, terms);
  }

  /**
   * Forgets the Tasks of these rows, except for what the turn has changed of them, so that they are loaded again. Call it
   * when nothing is left of what was decided over them.
   */
  forget(moved: readonly Pick<RowRef, "kind" | "id">[]): void {
    for (const { kind, id } of moved) this.rows.forgetSingle(kind, id);
    for (const taskId of this.#families.tasksOf(moved)) {
      this.#families.forget(taskId, this.rows);
      this.rows.forgetTexts(taskId);
    }
    this.sliceReaders.clear();
  }

  #changed<Name extends RowKindName>(name: Name, id: string, row: RowOf<Name>): void {
    this.seen?.note(name, id, row.revision);
    this.rows.changed(name, id, row);
  }
}
