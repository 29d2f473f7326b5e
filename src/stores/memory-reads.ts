import type { RunId, StepKey, TaskId } from "#domain/id";
import type { LogEntry, LogSlice } from "#domain/log";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import { type TaskRow, taskStatus } from "#domain/task";
import { carries } from "#domain/worker";
import type { Reads, TaskDetail, TaskFilter, TaskPage } from "#ports/store";

/** All that is kept of one Task. Rows are immutable, so they are handed out as they are. */
export interface Kept {
  task: TaskRow;
  /** Absent until it is written. */
  input: string | undefined;
  /** By name, in the order they were first written: the order of the DAG. */
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
  readonly outputs: Map<string, string>;
  readonly log: LogEntry[];
}

/** The read side of the reference store, over the same maps its commits change. */
export class MemoryReads implements Reads {
  readonly #tasks: ReadonlyMap<TaskId, Kept>;

  constructor(tasks: ReadonlyMap<TaskId, Kept>) {
    this.#tasks = tasks;
  }

  async task(id: TaskId): Promise<TaskDetail | undefined> {
    const kept = this.#tasks.get(id);
    if (!kept) return undefined;

    const { task, input = "{}" } = kept;
    const runs = [...kept.runs.values()].sort((a, b) => compare(a.id, b.id));
    return { task, input, steps: [...kept.steps.values()], runs };
  }

  /** Looks at every Task there is, so that a page is short only if it is the last. */
  async tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage> {
    const found = [...this.#tasks.values()]
      .map(({ task }) => task)
      .filter((task) => (before === undefined || task.id < before) && selects(filter, task))
      .sort((a, b) => compare(b.id, a.id));
    const tasks = found.slice(0, pageSize);

    return { tasks, next: found.length > pageSize ? tasks.at(-1)?.id : undefined };
  }

  async output({ taskId, stepName }: StepKey): Promise<string | undefined> {
    return this.#tasks.get(taskId)?.outputs.get(stepName);
  }

  async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
    const log = this.#tasks.get(taskId)?.log ?? [];
    let end = afterSeq;
    for (let bytes = 0; end < log.length; end++) {
      if (end > afterSeq && bytes >= maxBytes) break;
      bytes += JSON.stringify(log[end]).length;
    }
    return { firstSeq: afterSeq + 1, entries: log.slice(afterSeq, end) };
  }

  async logBounds(taskId: TaskId): Promise<{ earliest: number; last: number } | undefined> {
    const kept = this.#tasks.get(taskId);
    return kept && { earliest: 1, last: kept.log.length };
  }
}

function selects({ namespaces, status, agentName, labels }: TaskFilter, task: TaskRow): boolean {
  return (
    (namespaces === "*" || namespaces.includes(task.namespace)) &&
    (status === undefined || taskStatus(task) === status) &&
    (agentName === undefined || task.spec.agentName === agentName) &&
    (labels === undefined || carries(task.spec.labels, labels))
  );
}

/** By code unit, which for the ids and names allowed is also SQLite's order. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
