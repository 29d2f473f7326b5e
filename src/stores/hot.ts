import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { LogEntry, LogSlice } from "#domain/log";
import { isOver, type RunRow } from "#domain/run";
import { isSettled, type StepRow } from "#domain/step";
import type { Labels, TaskRow } from "#domain/task";
import type { Commit, Committed, Loaded, TaskDetail } from "#ports/store";

/** All that is remembered together, roughly. Some ten thousand small Tasks. */
const WEIGHT_MAX = 64 * 1024 * 1024;
/** What a Task with one Step and one Run takes in memory, roughly. */
const WEIGHT_LEAST = 3 * 1024;
/** What a line of a log takes beside its texts, roughly; and a text beside its characters. */
const LINE = 200;
const FIELD = 32;

/** One Task as last committed. */
interface Family {
  task: TaskRow;
  /** True if every Step and Run of it is here: it was made while we watched. */
  readonly whole: boolean;
  input: string | undefined;
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
  readonly outputs: Map<string, string>;
  /** The end of its log; older lines are only in the store. */
  tail: LogEntry[];
  tailWeight: number;
  lastSeq: number;
  weight: number;
}

interface Found {
  readonly tasks: Set<TaskRow>;
  readonly steps: Set<StepRow>;
  readonly runs: Set<RunRow>;
}

/**
 * The Tasks that were committed last, as they were committed: rows, results, and the end of each log.
 * Bounded by weight; what was committed longest ago goes first. Knows nothing of the store behind it.
 */
export class HotTasks {
  readonly #families = new Map<TaskId, Family>();
  readonly #taskOfRun = new Map<RunId, TaskId>();
  #weight = 0;

  findStep({ taskId, stepName }: StepKey, { tasks, steps }: Found): boolean {
    const family = this.#families.get(taskId);
    const step = family?.steps.get(stepName);
    if (!family || !step) return false;
    tasks.add(family.task);
    steps.add(step);
    return true;
  }

  findRun(id: RunId, found: Found): boolean {
    const taskId = this.#taskOfRun.get(id);
    const run = taskId && this.#families.get(taskId)?.runs.get(id);
    if (!run || !this.findStep(run, found)) return false;
    found.runs.add(run);
    return true;
  }

  findWhole(id: TaskId, { tasks, steps, runs }: Found): boolean {
    const family = this.#families.get(id);
    if (!family?.whole) return false;
    tasks.add(family.task);
    for (const step of family.steps.values()) if (!isSettled(step.state)) steps.add(step);
    for (const run of family.runs.values()) if (run.heldBy !== "" || !isOver(run.status)) runs.add(run);
    return true;
  }

  input(id: TaskId): string | undefined {
    return this.#families.get(id)?.input;
  }

  output({ taskId, stepName }: StepKey): string | undefined {
    return this.#families.get(taskId)?.outputs.get(stepName);
  }

  detail(id: TaskId): TaskDetail | undefined {
    const family = this.#families.get(id);
    if (!family?.whole || family.input === undefined) return undefined;
    const { task, input, steps, runs } = family;
    return { task, input, steps: [...steps.values()], runs: [...runs.values()] };
  }

  /** The seq of the last line of a Task's log; undefined if the Task is not here. */
  lastSeq(id: TaskId): number | undefined {
    return this.#families.get(id)?.lastSeq || undefined;
  }

  /** Lines after `afterSeq`, as many as fit, or undefined if they do not all lie here. */
  log(id: TaskId, afterSeq: number, maxBytes: number): LogSlice | undefined {
    const family = this.#families.get(id);
    if (!family || family.lastSeq === 0) return undefined;
    const before = family.lastSeq - family.tail.length;
    if (afterSeq < before) return undefined;

    let end = afterSeq - before;
    for (let weight = 0; end < family.tail.length && weight < maxBytes; end += 1) {
      weight += weigh(family.tail[end] as LogEntry);
    }
    return { firstSeq: afterSeq + 1, entries: family.tail.slice(afterSeq - before, end) };
  }

  remember({ tasks, steps, runs, inputs, outputs, log }: Commit, { firstSeqs }: Committed): void {
    for (const task of tasks) this.#touch(task);
    for (const step of steps) {
      const family = this.#families.get(step.taskId);
      if (!family) continue;
      this.#grow(family, step.errorMessage.length - (family.steps.get(step.name)?.errorMessage.length ?? 0));
      family.steps.set(step.name, step);
    }
    for (const run of runs) {
      const family = this.#families.get(run.taskId);
      if (!family) continue;
      const known = family.runs.get(run.id);
      this.#grow(family, weighRun(run) - (known ? weighRun(known) : -WEIGHT_LEAST / 2));
      family.runs.set(run.id, run);
      this.#taskOfRun.set(run.id, run.taskId);
    }
    for (const { taskId, json } of inputs) {
      const family = this.#families.get(taskId);
      if (!family) continue;
      family.input = json;
      this.#grow(family, json.length);
    }
    for (const { taskId, stepName, json } of outputs) {
      const family = this.#families.get(taskId);
      if (!family) continue;
      family.outputs.set(stepName, json);
      this.#grow(family, json.length);
    }
    for (const [i, { taskId, entries }] of log.entries()) {
      this.#append(taskId, firstSeqs[i] as number, entries);
    }
    for (const id of this.#families.keys()) {
      if (this.#weight <= WEIGHT_MAX) break;
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

  forgetAll(): void {
    this.#families.clear();
    this.#taskOfRun.clear();
    this.#weight = 0;
  }

  /** The Task is the one committed last now; one that is not here begins with what this commit says. */
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
      input: undefined,
      steps: new Map(),
      runs: new Map(),
      outputs: new Map(),
      tail: [],
      tailWeight: 0,
      lastSeq: 0,
      weight: 0,
    };
    this.#families.set(task.id, family);
    this.#grow(family, WEIGHT_LEAST + weighTask(task));
  }

  #append(taskId: TaskId, firstSeq: number, entries: readonly LogEntry[]): void {
    const family = this.#families.get(taskId);
    if (!family) return;
    const follows = family.lastSeq + 1 === firstSeq;
    const weight = entries.reduce((sum, entry) => sum + weigh(entry), 0);
    const keep = follows && family.tailWeight + weight <= limits.watchCacheBytes;
    this.#grow(family, weight - (keep ? 0 : family.tailWeight));
    family.tail = keep ? [...family.tail, ...entries] : [...entries];
    family.tailWeight = keep ? family.tailWeight + weight : weight;
    family.lastSeq = firstSeq + entries.length - 1;
  }

  #grow(family: Family, by: number): void {
    family.weight += by;
    this.#weight += by;
  }
}

/** Roughly what a line takes, without serialising it. */
function weigh(entry: LogEntry): number {
  switch (entry.type) {
    case "output":
      return LINE + entry.content.length + weighLabels(entry.metadata);
    case "chat":
      return LINE + entry.content.length;
    case "event":
      return LINE + entry.id.length + weighLabels(entry.metadata);
    case "run":
      return LINE + weighRun(entry.run);
    case "task":
      return LINE + entry.errorMessage.length;
    case "step":
      return LINE;
  }
}

/** What a Run says beside its fields of fixed size. */
function weighRun({ errorMessage, backend }: Pick<RunRow, "errorMessage" | "backend">): number {
  if (backend === null) return errorMessage.length;
  const { provider, modelName, modalities, tools, metadata } = backend;
  const words = [provider, modelName, ...modalities, ...tools].reduce(
    (sum, word) => sum + FIELD + word.length,
    0,
  );
  return errorMessage.length + words + weighLabels(metadata);
}

function weighTask({ spec, errorMessage }: TaskRow): number {
  return errorMessage.length + weighLabels(spec.labels) + weighLabels(spec.workerSelector);
}

function weighLabels(labels: Labels): number {
  let weight = 0;
  for (const name in labels) weight += FIELD + name.length + (labels[name] ?? "").length;
  return weight;
}

/** An empty answer to fill. */
export function nothingFound(): Found {
  return { tasks: new Set(), steps: new Set(), runs: new Set() };
}

/** What was found here, and what only the store has; a Task known here and found there by its key is one. */
export function loadedOf(
  { tasks, steps, runs }: Found,
  inputs: ReadonlyMap<TaskId, string>,
  more?: Loaded,
): Loaded {
  if (!more) return { tasks: [...tasks], steps: [...steps], runs: [...runs], inputs };
  const keyOf = ({ taskId, name }: StepRow) => stepKey({ taskId, stepName: name });
  return {
    tasks: united([...tasks, ...more.tasks], ({ id }) => id),
    steps: united([...steps, ...more.steps], keyOf),
    runs: united([...runs, ...more.runs], ({ id }) => id),
    inputs: new Map([...inputs, ...more.inputs]),
  };
}

/** Each row once; the first of a kind is the newer. */
function united<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  const byKey = new Map<string, Row>();
  for (const row of rows) if (!byKey.has(keyOf(row))) byKey.set(keyOf(row), row);
  return [...byKey.values()];
}
