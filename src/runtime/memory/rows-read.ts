import type { RowRef } from "#domain/conflict";
import type { RunId } from "#domain/id";
import { type Revisioned, type RowKindName, rowKind, singleKindNames } from "#domain/row-kinds";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { RowChanges } from "./row-changes.js";

/** A Task, and those of its Steps and Runs that are loaded. */
interface LoadedFamily {
  readonly task: TaskRow | undefined;
  readonly steps: ReadonlyMap<string, StepRow>;
  readonly runs: ReadonlyMap<RunId, RunRow>;
}

/** The rows that a turn has loaded and does not write, at the revisions at which they were loaded. */
export function rowsRead(families: Iterable<LoadedFamily>, changes: RowChanges): readonly RowRef[] {
  const read: RowRef[] = [];
  const add = (kind: RowKindName, row: Revisioned) => {
    const id = rowKind(kind).idOf(row);
    if (!changes.writes(kind, id)) read.push({ kind, id, revision: row.revision });
  };
  for (const { task, steps, runs } of families) {
    if (task) add("tasks", task);
    for (const step of steps.values()) add("steps", step);
    for (const run of runs.values()) add("runs", run);
  }
  for (const kind of singleKindNames) for (const row of changes.singlesOf(kind)) add(kind, row);
  return read;
}
