import type { RowRef } from "#domain/conflict";
import type { RunId, StepKey, TaskId } from "#domain/id";
import {
  forKinds,
  type KeyedKindName,
  keyOfId,
  type Revisioned,
  rowKinds,
  type TextKey,
  type TextKindName,
  textId,
  textKindNames,
  textPlace,
} from "#domain/row-kinds";
import { endsLog, type LogEntry, type LogSlice } from "#domain/task/log";
import { isOver, type RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store-reads";
import type { Commit, Committed, Loaded } from "#ports/store-turns";
import type { LoadResult } from "./load-result.js";
import { weighLine, weighRun, weighSpec, weighStep, weighTask } from "./weight.js";

/** One Task as last committed. */
interface Family {
  task: TaskRow;
  /** True if every row and text of it is cached: it was created since the cache began. */
  readonly whole: boolean;
  /** True if the store has texts of it that were never here: results that it has copied. */
  lacksTexts: boolean;
  /** In the order of the graph, if all are cached. */
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
  /** By the name of their Step; empty for texts of the Task. */
  readonly texts: Readonly<Record<TextKindName, Map<string, string>>>;
  /** The last entries of its log; older ones are only in the store. Appended to in place: a copy for each commit would cost its square. */
  tail: LogEntry[];
  tailWeight: number;
  /** True once somebody has read its log. Until then a long tail would be kept for nobody. */
  isRead: boolean;
  lastSeq: number;
  weight: number;
}

/**
 * The most recently committed Tasks: rows, texts, and the end of each log. Bounded by weight; evicts the Task that was
 * committed longest ago. Independent of the store.
 *
 * The `find…` methods add what they find to the answer. They return true if the store need not be read: the item is in
 * the answer, or is known not to exist.
 */
export class TaskCache {
  readonly #families = new Map<TaskId, Family>();
  readonly #taskOfRun = new Map<RunId, TaskId>();
  /** True if other processes write the store: of what a Task does not have here it is not known whether it is there. */
  readonly #shared: boolean;
  #weight = 0;

  constructor(shared = false) {
    this.#shared = shared;
  }

  /** Rows that are not part of a Task's graph are not cached. */
  findKeyed(name: KeyedKindName, key: unknown, found: LoadResult): boolean {
    if (name === "steps") return this.#findStep(key as StepKey, found);
    return name === "runs" && this.#findRun(key as RunId, found);
  }

  #findStep({ taskId, stepName }: StepKey, { tasks, steps }: LoadResult): boolean {
    const family = this.#families.get(taskId);
    const step = family?.steps.get(stepName);
    if (!family || !(step || this.#isAll(family))) return false;
    tasks.set(taskId, family.task);
    if (step) steps.set(rowKinds.steps.idOf(step), step);
    return true;
  }

  #findRun(id: RunId, found: LoadResult): boolean {
    const run = this.run(id);
    if (!run || !this.#findStep(run, found)) return false;
    found.runs.set(id, run);
    return true;
  }

  findWhole(id: TaskId, { tasks, steps, runs }: LoadResult): boolean {
    const family = this.#families.get(id);
    if (!family?.whole) return false;
    tasks.set(id, family.task);
    for (const step of family.steps.values())
      if (!hasEnded(step.state)) steps.set(rowKinds.steps.idOf(step), step);
    for (const run of family.runs.values())
      if (run.heldBy !== "" || !isOver(run.status)) runs.set(run.id, run);
    return true;
  }

  findGraph(id: TaskId, { tasks, steps }: LoadResult): boolean {
    const family = this.#families.get(id);
    if (!family?.whole) return false;
    tasks.set(id, family.task);
    for (const step of family.steps.values()) steps.set(rowKinds.steps.idOf(step), step);
    return true;
  }

  findText(kind: TextKindName, key: TextKey, found: LoadResult): boolean {
    if (!isCached(kind)) return false;
    const [taskId, name] = textPlace(key);
    const family = this.#families.get(taskId);
    const text = family?.texts[kind].get(name);
    if (text !== undefined) found[kind].set(textId(key), text);
    return family !== undefined && (text !== undefined || (this.#isAll(family) && !family.lacksTexts));
  }

  /** True if what is not cached of the Task is nowhere. */
  #isAll({ whole }: Family): boolean {
    return whole && !this.#shared;
  }

  /** The namespace of a Task that is cached. */
  namespaceOf(id: TaskId): string | undefined {
    return this.#families.get(id)?.task.namespace;
  }

  run(id: RunId): RunRow | undefined {
    const taskId = this.#taskOfRun.get(id);
    return taskId && this.#families.get(taskId)?.runs.get(id);
  }

  input(id: TaskId): string | undefined {
    return this.#families.get(id)?.texts.inputs.get("");
  }

  output({ taskId, stepName }: StepKey): string | undefined {
    return this.#families.get(taskId)?.texts.outputs.get(stepName);
  }

  detail(id: TaskId): TaskDetail | undefined {
    const family = this.#families.get(id);
    const input = family?.texts.inputs.get("");
    if (!family?.whole || input === undefined) return undefined;
    const { task, steps, runs } = family;
    const oldestFirst = [...runs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { task, input, steps: [...steps.values()], runs: oldestFirst };
  }

  /** The seq of the last entry of a Task's log; undefined if the Task is not cached. */
  lastSeq(id: TaskId): number | undefined {
    return this.#families.get(id)?.lastSeq || undefined;
  }

  /** True if no line follows the last one that is cached. */
  logHasEnded(id: TaskId): boolean {
    return endsLog(this.#families.get(id)?.tail.at(-1));
  }

  /** Log entries after `afterSeq`, as many as fit; undefined if some of them are not cached. */
  log(id: TaskId, afterSeq: number, maxBytes: number): LogSlice | undefined {
    const family = this.#families.get(id);
    if (!family || family.lastSeq === 0) return undefined;
    family.isRead = true;
    const before = family.lastSeq - family.tail.length;
    if (afterSeq < before) return undefined;

    let end = afterSeq - before;
    for (let weight = 0; end < family.tail.length && weight < maxBytes; end += 1) {
      weight += weighLine(family.tail[end] as LogEntry);
    }
    return { firstSeq: afterSeq + 1, entries: family.tail.slice(afterSeq - before, end) };
  }

  remember(turn: Commit, { firstSeqs }: Committed): void {
    for (const task of turn.tasks) this.#touch(task);
    for (const step of turn.steps) this.#putStep(step);
    for (const run of turn.runs) this.#putRun(run);
    for (const kind of textKindNames.filter(isCached)) {
      for (const text of turn[kind]) {
        const [taskId, name] = textPlace(text);
        const family = this.#families.get(taskId);
        if (!family) continue;
        const { [kind]: texts } = family.texts;
        this.#grow(family, text.json.length - (texts.get(name)?.length ?? 0));
        texts.set(name, text.json);
      }
    }
    for (const { to } of turn.copies ?? []) {
      const family = this.#families.get(to.taskId);
      if (family) family.lacksTexts = true;
    }
    for (const [i, { taskId, entries }] of turn.log.entries()) {
      this.#append(taskId, firstSeqs[i] as number, entries);
    }
    for (const id of this.#families.keys()) {
      if (this.#weight <= limits.taskCacheBytes) break;
      this.forget(id);
    }
  }

  forget(id: TaskId): void {
    const family = this.#families.get(id);
    if (!family) return;
    for (const runId of family.runs.keys()) this.#taskOfRun.delete(runId);
    this.#families.delete(id);
    this.#weight -= family.weight;
  }

  /** Forgets the Task of a row that has moved. */
  forgetRow({ kind, id }: RowRef): void {
    const taskId = kind === "runs" ? this.#taskOfRun.get(id as RunId) : (keyOfId(kind, id)[0] as TaskId);
    if (taskId) this.forget(taskId);
  }

  /** Forgets the Tasks of which something newer was loaded, or something that a whole one lacks: another process has changed them. */
  forgetOlder({ tasks, steps, runs }: Loaded): void {
    for (const row of tasks) this.#forgetIfOlder(row.id, row, (family) => family.task);
    for (const row of steps) this.#forgetIfOlder(row.taskId, row, (family) => family.steps.get(row.name));
    for (const row of runs) this.#forgetIfOlder(row.taskId, row, (family) => family.runs.get(row.id));
  }

  #forgetIfOlder(id: TaskId, row: Revisioned, inIt: (family: Family) => Revisioned | undefined): void {
    const family = this.#families.get(id);
    if (!family) return;
    const known = inIt(family);
    if (known ? known.revision < row.revision : family.whole) this.forget(id);
  }

  /** True if the Step's result does not change any more. */
  neverChanges({ taskId, stepName }: StepKey): boolean {
    const state = this.#families.get(taskId)?.steps.get(stepName)?.state;
    return state === "complete" || state === "resolved_manually";
  }

  forgetAll(): void {
    this.#families.clear();
    this.#taskOfRun.clear();
    this.#weight = 0;
  }

  /** Makes the Task the most recent one; adds it with the content of this commit if it is not cached. */
  #touch(task: TaskRow): void {
    const known = this.#families.get(task.id);
    if (known) {
      this.#grow(known, weighTask(task) - weighTask(known.task));
      known.task = task;
      this.#families.delete(task.id);
      this.#families.set(task.id, known);
      return;
    }
    const family: Family = {
      task,
      whole: task.revision === 1,
      lacksTexts: false,
      steps: new Map(),
      runs: new Map(),
      texts: forKinds<Record<TextKindName, Map<string, string>>>(textKindNames, () => new Map()),
      tail: [],
      tailWeight: 0,
      isRead: false,
      lastSeq: 0,
      weight: 0,
    };
    this.#families.set(task.id, family);
    this.#grow(family, weighTask(task));
  }

  #putStep(step: StepRow): void {
    const family = this.#families.get(step.taskId);
    if (!family) return;
    const known = family.steps.get(step.name);
    this.#grow(family, weighStep(step) + (known ? -weighStep(known) : weighSpec(step)));
    family.steps.set(step.name, step);
  }

  #putRun(run: RunRow): void {
    const family = this.#families.get(run.taskId);
    if (!family) return;
    const known = family.runs.get(run.id);
    this.#grow(family, weighRun(run) - (known ? weighRun(known) : 0));
    family.runs.set(run.id, run);
    this.#taskOfRun.set(run.id, run.taskId);
  }

  #append(taskId: TaskId, firstSeq: number, entries: readonly LogEntry[]): void {
    const family = this.#families.get(taskId);
    if (!family) return;
    const follows = family.lastSeq + 1 === firstSeq;
    const weight = entries.reduce((sum, entry) => sum + weighLine(entry), 0);
    const isWanted = family.isRead || family.lastSeq < limits.unreadLogEntries;
    const keep = follows && isWanted && family.tailWeight + weight <= limits.watchCacheBytes;
    this.#grow(family, weight - (keep ? 0 : family.tailWeight));
    if (!keep) family.tail = [];
    for (const entry of entries) family.tail.push(entry);
    family.tailWeight = keep ? family.tailWeight + weight : weight;
    family.lastSeq = firstSeq + entries.length - 1;
  }

  #grow(family: Family, by: number): void {
    family.weight += by;
    this.#weight += by;
  }
}

/** Texts of journals are asked of the store: they are many, and read seldom, by an agent's next Run and by who takes an early signal. */
function isCached(kind: TextKindName): boolean {
  return kind !== "journal";
}
