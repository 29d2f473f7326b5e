import type { StepKey, TaskId } from "#domain/id";
import { textKindNames, textKinds } from "#domain/row-kinds";
import { recordKey } from "#domain/task/journal";
import { isOver } from "#domain/task/run";
import { hasEnded } from "#domain/task/step";
import { isTerminal, type TaskStatus, taskStatus } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store-reads";
import { type ArchiveLine, FORMAT, textOf, VERSION } from "./lines.js";
import { type ArchiveReads, singleParts, textParts } from "./parts.js";

export interface ExportFilter {
  readonly namespaces: readonly string[] | "*";
  readonly status?: Extract<TaskStatus, "COMPLETED" | "FAILED" | "CANCELLED">;
  /** Only Tasks that finished before this instant. */
  readonly finishedBefore?: number;
}

/** What an export has found; counted while its lines are taken. */
export interface ExportCount {
  tasks: number;
  /** Ended Tasks that were left out: a worker still holds a Run of theirs. */
  held: number;
}

export function headerText(madeAt: number): string {
  return textOf({ type: "header", format: FORMAT, version: VERSION, madeAt });
}

export function wholeText(tasks: number): string {
  return textOf({ type: "whole", tasks });
}

/**
 * Yields an export of the ended Tasks that the filter selects, line by line, newest first. Only a Task's rows and one slice of its log
 * are in memory at a time.
 */
export async function* exportTasks(
  reads: ArchiveReads,
  filter: ExportFilter,
  madeAt: number,
  count: ExportCount,
): AsyncGenerator<string> {
  yield headerText(madeAt);
  for await (const id of endedTasks(reads, filter)) {
    const detail = await reads.task(id);
    // Removed since, or not of the time that is wanted.
    if (!detail || !isWanted(detail, filter)) continue;
    if (!isAtRest(detail)) {
      count.held += 1;
      continue;
    }
    yield* taskText(reads, detail);
    count.tasks += 1;
  }
  yield wholeText(count.tasks);
}

/** Yields the lines of one ended Task. */
export async function* taskText(reads: ArchiveReads, detail: TaskDetail): AsyncGenerator<string> {
  let lines = 0;
  for await (const line of linesOf(reads, detail)) {
    lines += 1;
    yield textOf(line);
  }
  const { id } = detail.task;
  const lastSeq = (await reads.logBounds(id))?.last ?? 0;
  yield textOf({ type: "end", taskId: id, lastSeq, lines });
}

/** True if nothing of the Task will change any more: it has ended with all its Steps and Runs, and no worker holds one. */
export function isAtRest({ task, steps, runs }: TaskDetail): boolean {
  return (
    isTerminal(task.state) &&
    steps.every(({ state }) => hasEnded(state)) &&
    runs.every(({ status, heldBy }) => isOver(status) && heldBy === "")
  );
}

async function* linesOf(reads: ArchiveReads, { task, steps, runs }: TaskDetail): AsyncGenerator<ArchiveLine> {
  yield { type: "task", row: task };
  yield* textsOf(reads, { taskId: task.id, stepName: "" });
  for (const { type, read } of singleParts) {
    const row = await read(reads, task.id);
    if (row) yield { type, row };
  }
  for (const row of steps) {
    yield { type: "step", row };
    yield* textsOf(reads, { taskId: task.id, stepName: row.name });
  }
  // The node had the stream of its worker; elsewhere it means nothing.
  for (const { node: _, ...row } of runs) yield { type: "run", row };
  for (let after = 0; ; ) {
    const { entries } = await reads.log(task.id, after, limits.exportLogBytes);
    if (entries.length === 0) return;
    yield { type: "log", firstSeq: after + 1, entries };
    after += entries.length;
  }
}

/** Texts of a Step, or, of the empty name, of the Task as a whole. */
async function* textsOf(reads: ArchiveReads, key: StepKey): AsyncGenerator<ArchiveLine> {
  const { stepName } = key;
  for (const kind of textKindNames) {
    const isOfTask = textKinds[kind] === "task";
    if (isOfTask && stepName !== "") continue;
    if (kind === "journal") {
      yield* journalOf(reads, key);
      continue;
    }
    const { type, read } = textParts[kind];
    const json = await read(reads, key);
    if (json === undefined) continue;
    yield type === "input" ? { type, json } : { type, stepName, json };
  }
}

async function* journalOf(reads: ArchiveReads, step: StepKey): AsyncGenerator<ArchiveLine> {
  const most = { records: limits.journalPageRecords, bytes: limits.journalPageBytes };
  for (let seq = 0; ; ) {
    const records = await reads.journal(step, seq, most);
    if (records.length === 0) return;
    for (const json of records) {
      yield { type: textParts.journal.type, stepName: recordKey(step, seq).stepName, json };
      seq += 1;
    }
  }
}

async function* endedTasks(
  reads: ArchiveReads,
  { namespaces, status }: ExportFilter,
): AsyncGenerator<TaskId> {
  let before: TaskId | undefined;
  do {
    const filter = { namespaces, ...(status && { status }) };
    const { tasks, next } = await reads.tasks(filter, before, limits.exportPage);
    for (const { id, state } of tasks) if (isTerminal(state)) yield id;
    before = next;
  } while (before !== undefined);
}

function isWanted({ task }: TaskDetail, { status, finishedBefore }: ExportFilter): boolean {
  if (!isTerminal(task.state) || (status !== undefined && taskStatus(task) !== status)) return false;
  return finishedBefore === undefined || (task.finishedAt !== NEVER && task.finishedAt < finishedBefore);
}
