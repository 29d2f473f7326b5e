import type { RowRef } from "#domain/conflict";
import type { RunId, StepKey, TaskId } from "#domain/id";
import { beginningAt } from "#domain/id-time";
import { covers, type PauseScope } from "#domain/pause/pause";
import { keyOfId, type Revisioned, type RowKindName, rowKind, type TextKindName } from "#domain/row-kinds";
import { selects } from "#domain/task/filter";
import { recordKey } from "#domain/task/journal";
import type { LogEntry, LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import { compareReady, readyStep, type StepRow } from "#domain/task/step";
import { type TaskRow, taskStatus } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import { type Instant, NEVER } from "#domain/time/time";
import type { DeadLetterReads } from "#ports/dead-letters";
import type {
  JournalBounds,
  LanePlace,
  Lately,
  Queue,
  Reads,
  TaskDetail,
  TaskFilter,
  TaskPage,
  TemplateFilter,
  TemplatePage,
} from "#ports/store-reads";
import type { UsageFilter, UsageSum } from "#ports/usage-sums";
import { countStatuses } from "../shared/count-statuses.js";
import { MemoryDeadLetters } from "./dead-letters.js";
import { compare, type MemoryTemplates } from "./templates.js";
import type { MemoryUsageSums } from "./usage-sums.js";

/** Everything stored of one Task. Rows are immutable, so that they are returned without a copy. */
export interface Kept {
  task: TaskRow;
  /** By name, in the order in which they were first written, which is the order of the graph. */
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
  /** By the name of their Step; empty for texts of the Task. */
  readonly texts: Readonly<Record<TextKindName, Map<string, string>>>;
  readonly log: LogEntry[];
}

/** The tables of the memory store, without what is derived from them. */
export interface MemoryTables {
  readonly tasks: Map<TaskId, Kept>;
  readonly taskOfRun: Map<RunId, TaskId>;
  /** The Task that owns a key, by {@link keyOf}. */
  readonly taskOfKey: Map<string, TaskId>;
  readonly templates: MemoryTemplates;
  /** Rows that are not part of a Task's graph, by kind and id. */
  readonly singles: ReadonlyMap<RowKindName, Map<string, Revisioned>>;
  /** The ready Steps, by key. */
  readonly ready: Map<string, StepRow>;
  readonly usageSums: MemoryUsageSums;
}

/** The read side of the memory store, over the tables that its commits change. */
export class MemoryReads implements Reads {
  readonly deadLetters: DeadLetterReads;
  readonly #tables: MemoryTables;

  constructor(tables: MemoryTables) {
    this.#tables = tables;
    this.deadLetters = new MemoryDeadLetters(tables);
  }

  async task(id: TaskId, namespaces: TaskFilter["namespaces"] = "*"): Promise<TaskDetail | undefined> {
    const kept = this.#tables.tasks.get(id);
    if (!kept || !(namespaces === "*" || namespaces.includes(kept.task.namespace))) return undefined;

    const { task } = kept;
    const input = kept.texts.inputs.get("") ?? "{}";
    const runs = [...kept.runs.values()].sort((a, b) => compare(a.id, b.id));
    return { task, input, steps: [...kept.steps.values()], runs };
  }

  /** Examines all Tasks, so that only the last page is short. */
  async tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage> {
    const found = [...this.#tables.tasks.values()]
      .map(({ task }) => task)
      .filter((task) => (before === undefined || task.id < before) && selects(filter, task))
      .sort((a, b) => compare(b.id, a.id));
    const tasks = found.slice(0, pageSize);

    return { tasks, next: found.length > pageSize ? tasks.at(-1)?.id : undefined };
  }

  async countReady(lanes: readonly string[], most: number): Promise<number> {
    const wanted = new Set(lanes);
    let count = 0;
    for (const { lane } of this.#tables.ready.values()) if (wanted.has(lane)) count += 1;
    return Math.min(count, most);
  }

  async countBefore(place: LanePlace, most: number): Promise<number> {
    let count = 0;
    for (const other of this.#tables.ready.values()) {
      if (other.lane === place.lane && compareReady(readyStep(other), place) < 0) count += 1;
    }
    return Math.min(count, most);
  }

  async countHeld(scope: PauseScope): Promise<number> {
    let count = 0;
    for (const { task, runs } of this.#tables.tasks.values()) {
      for (const run of runs.values()) {
        if (run.heldBy !== "" && covers(scope, { ...run, template: task.spec.template })) count += 1;
      }
    }
    return count;
  }

  async usage(filter: UsageFilter, most: number): Promise<readonly UsageSum[]> {
    return this.#tables.usageSums.read(filter, most);
  }

  async queues(
    lanes: readonly string[],
    { counted, first }: { readonly counted: number; readonly first: number },
  ): Promise<readonly Queue[]> {
    const ready = [...this.#tables.ready.values()];
    return lanes.map((lane) => {
      const own = ready
        .filter((step) => step.lane === lane)
        .map(readyStep)
        .sort(compareReady);
      const names = own.slice(0, first).map(({ taskId }) => taskId);
      return { lane, waiting: Math.min(own.length, counted), first: names };
    });
  }

  async lately(namespaces: TaskFilter["namespaces"], since: Instant, rows: number): Promise<Lately> {
    const all = [...this.#tables.tasks.values()].map(({ task }) => task);
    const created = all.filter((task) => task.id >= beginningAt(since)).sort((a, b) => compare(b.id, a.id));
    const ended = all.filter(({ finishedAt }) => finishedAt > NEVER && finishedAt >= since).sort(laterEnd);
    const isIn = ({ namespace }: TaskRow) => namespaces === "*" || namespaces.includes(namespace);
    return {
      created: created.slice(0, rows).filter(isIn).length,
      ended: countStatuses(ended.slice(0, rows).filter(isIn).map(taskStatus)),
      isCut: created.length > rows || ended.length > rows,
    };
  }

  async lastFailed(namespaces: TaskFilter["namespaces"], rows: number, most: number) {
    return [...this.#tables.tasks.values()]
      .map(({ task }) => task)
      .filter(({ finishedAt }) => finishedAt > NEVER)
      .sort(laterEnd)
      .slice(0, rows)
      .filter((task) => selects({ namespaces, status: "FAILED" }, task))
      .slice(0, most);
  }

  async run(id: RunId): Promise<RunRow | undefined> {
    return runIn(this.#tables, id);
  }

  async template(ref: TemplateRef): Promise<TemplateRow | undefined> {
    return this.#tables.templates.get(ref);
  }

  async templates(
    filter: TemplateFilter,
    after: TemplateRef | undefined,
    pageSize: number,
  ): Promise<TemplatePage> {
    return this.#tables.templates.page(filter, after, pageSize);
  }

  async input(id: TaskId): Promise<string | undefined> {
    return this.#tables.tasks.get(id)?.texts.inputs.get("");
  }

  async stepInput({ taskId, stepName }: StepKey): Promise<string | undefined> {
    return this.#tables.tasks.get(taskId)?.texts.stepInputs.get(stepName);
  }

  async output({ taskId, stepName }: StepKey): Promise<string | undefined> {
    return this.#tables.tasks.get(taskId)?.texts.outputs.get(stepName);
  }

  async stepActions({ taskId, stepName }: StepKey): Promise<string | undefined> {
    return this.#tables.tasks.get(taskId)?.texts.stepActions.get(stepName);
  }

  async journal(step: StepKey, from: number, most: JournalBounds) {
    const kept = this.#tables.tasks.get(step.taskId)?.texts.journal;
    const found: string[] = [];
    for (let bytes = 0; found.length < most.records && (found.length === 0 || bytes < most.bytes); ) {
      const json = kept?.get(recordKey(step, from + found.length).stepName);
      if (json === undefined) break;
      found.push(json);
      bytes += Buffer.byteLength(json);
    }
    return found;
  }

  async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
    const log = this.#tables.tasks.get(taskId)?.log ?? [];
    let end = afterSeq;
    for (let bytes = 0; end < log.length; end++) {
      if (end > afterSeq && bytes >= maxBytes) break;
      bytes += JSON.stringify(log[end]).length;
    }
    return { firstSeq: afterSeq + 1, entries: log.slice(afterSeq, end) };
  }

  async logBounds(taskId: TaskId): Promise<{ earliest: number; last: number } | undefined> {
    const kept = this.#tables.tasks.get(taskId);
    return kept && { earliest: 1, last: kept.log.length };
  }
}

/** The Task that has ended later comes first. */
function laterEnd(a: TaskRow, b: TaskRow): number {
  return b.finishedAt - a.finishedAt || compare(b.id, a.id);
}

export function runIn({ tasks, taskOfRun }: MemoryTables, id: RunId): RunRow | undefined {
  const taskId = taskOfRun.get(id);
  return taskId && tasks.get(taskId)?.runs.get(id);
}

/** The stored row with the id of `row`, for a row of any kind; undefined if there is none. */
export function storedOf(tables: MemoryTables, name: RowKindName, row: Revisioned): Revisioned | undefined {
  const { idOf, taskOf } = rowKind(name);
  const id = idOf(row);
  const kept = taskOf && tables.tasks.get(taskOf(row));
  if (name === "tasks") return kept?.task;
  if (name === "steps") return kept?.steps.get((row as StepRow).name);
  if (name === "runs") return runIn(tables, id as RunId);
  return tables.singles.get(name)?.get(id);
}

/** The stored row of this id; undefined if there is none. */
export function storedById(tables: MemoryTables, { kind, id }: RowRef): Revisioned | undefined {
  if (kind === "tasks") return tables.tasks.get(id as TaskId)?.task;
  if (kind === "runs") return runIn(tables, id as RunId);
  if (kind !== "steps") return tables.singles.get(kind)?.get(id);
  const [taskId, name] = keyOfId(kind, id);
  return tables.tasks.get(taskId as TaskId)?.steps.get(String(name));
}

/** One string for a namespace and an idempotency key. */
export function keyOf(namespace: string, key: string): string {
  return JSON.stringify([namespace, key]);
}
