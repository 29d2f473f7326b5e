import type { RowRef } from "#domain/conflict";
import type { TaskId } from "#domain/id";
import {
  forKinds,
  keyOfId,
  type Revisioned,
  type RowKindName,
  rowKind,
  rowKindNames,
  textKindNames,
  textPlace,
} from "#domain/row-kinds";
import { taskStatus } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Commit, Committed } from "#ports/store-turns";
import { OTHER } from "#ports/usage-sums";
import { neededLanes } from "../../shared/needed-lanes.js";
import { packLog } from "../../shared/pack-log.js";
import { recordsText } from "../audit/audit-log.js";
import { usageColumns } from "../read/usage-sums.js";
import { agentColumns, type Columns, laneColumns, pauseColumns, rowTable, templateColumns } from "./rows.js";

/** A commit as one call of `commit_2`, which may be made any number of times. */
export interface CommitCall {
  readonly statement: { readonly name: string; readonly text: string };
  /** The values of the statement; the owner's is the third. */
  readonly values: readonly unknown[];
  /** Every row that is expected in the store at a revision. */
  readonly expected: readonly RowRef[];
  /** Reads the answer of a commit that was written. */
  answer(firstSeqs: string | null): Committed;
}

const PARAMETERS = 32;

const CALL = `commit_2(${places(1, PARAMETERS).join(", ")})`;

/** What only few commits write. A function of the database does it around the call of what all have. */
interface FurtherPart {
  readonly name: string;
  readonly values: readonly unknown[];
  /** @param at the places of its values */
  around(call: string, at: readonly string[]): string;
}

/** @returns the statement of a commit with these parts, the innermost first */
function statementOf(parts: readonly FurtherPart[]): CommitCall["statement"] {
  let call = CALL;
  let next = PARAMETERS + 1;
  for (const { values, around } of parts) {
    call = around(call, places(next, values.length));
    next += values.length;
  }
  return { name: ["commit", ...parts.map(({ name }) => name)].join("-"), text: `SELECT ${call}` };
}

function places(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `$${first + i}`);
}

/** @param letters those that are expected at a revision, that have changed, and that are new, each as JSON or null */
function furtherParts(
  { copies, pauses, used, audit }: Commit,
  letters: readonly (string | null)[],
): readonly FurtherPart[] {
  const parts: FurtherPart[] = [];
  if (copies) {
    const values = [list(copies.map(copyColumns))];
    parts.push({ name: "copies", values, around: (call, [copied]) => `copied_1(${call}, $1, ${copied})` });
  }
  if (pauses) {
    const values = [list(pauses.map(pauseColumns))];
    parts.push({ name: "pauses", values, around: (call, [paused]) => `paused_1(${call}, $1, ${paused})` });
  }
  if (used) {
    const values = [list(used.map(usageColumns)), limits.usageSumsPerDay, limits.usageDays, OTHER];
    parts.push({ name: "used", values, around: (call, at) => `used_1(${call}, $1, ${at.join(", ")})` });
  }
  if (letters.some((each) => each !== null)) {
    const around = (call: string, [expected, changed, made]: readonly string[]) =>
      `CASE expect_dead_letters_1($1, ${expected}) WHEN 'moved' THEN 'moved'
       ELSE put_dead_letters_1(${call}, $1, ${changed}, ${made}) END`;
    parts.push({ name: "letters", values: letters, around });
  }
  if (audit) {
    const values = [audit.chain, recordsText(audit)];
    parts.push({ name: "audit", values, around: (call, at) => `audited_1(${call}, $1, ${at.join(", ")})` });
  }
  return parts;
}

type ByKind<T> = { readonly [Name in RowKindName]: readonly T[] };

export function commitCall(turn: Commit, owner: number | null): CommitCall {
  const created = new Set<string>();
  for (const task of turn.tasks) if (isFirst(turn, task)) created.add(task.id);
  const expected = expectedRows(turn);
  const expectedBy = (name: RowKindName) =>
    list(expected.filter(({ kind }) => kind === name).map(refColumns));
  const changed = forKinds<ByKind<Columns>>(rowKindNames, (name) => written(turn, name, false));
  const made = forKinds<ByKind<Columns>>(rowKindNames, (name) => written(turn, name, true));
  const { heads, moved, rows } = logColumns(turn, created);
  const texts = textKindNames.flatMap((kind) => turn[kind].map((text) => textColumns(kind, text)));
  const [set, removed] = [
    turn.deadlines.filter(({ at }) => at !== NEVER),
    turn.deadlines.filter(({ at }) => at === NEVER),
  ];

  const letters = [expectedBy("deadLetters"), list(changed.deadLetters), list(made.deadLetters)];
  const further = furtherParts(turn, letters);

  return {
    statement: statementOf(further),
    values: [
      turn.id,
      turn.at,
      owner,
      turn.node ?? null,
      expectedBy("tasks"),
      expectedBy("steps"),
      expectedBy("runs"),
      expectedBy("workers"),
      list(neededTasks(turn, created)),
      list(moved),
      list(turn.tasks.filter((task) => !isFirst(turn, task) && hasReleased(task)).map(({ id }) => id)),
      list(changed.tasks),
      changed.tasks.length,
      list(made.tasks),
      list(changed.steps),
      list(made.steps),
      list(changed.runs),
      changed.runs.length,
      list(made.runs),
      list(texts),
      list(turn.templates.map(templateColumns)),
      list(heads),
      list(rows),
      list(set.map(deadlineColumns)),
      list(removed.map(deadlineColumns)),
      list(turn.lanesRemoved),
      list((owner === null ? neededLanes(turn) : turn.lanesAdded).map(laneColumns)),
      list(turn.agentsForgotten),
      list(turn.agents.map(agentColumns)),
      list(changed.workers),
      list(made.workers),
      turn.tasks.some((task) => taskStatus(task) === "PENDING"),
      ...further.flatMap(({ values }) => values),
    ],
    expected,
    answer(text) {
      const found: Readonly<Record<string, number>> = text === null ? {} : JSON.parse(text);
      return { firstSeqs: turn.log.map(({ taskId }) => found[taskId] ?? 1) };
    },
  };
}

function copyColumns({ from, to }: NonNullable<Commit["copies"]>[number]): Columns {
  return {
    ...{ from_task: from.taskId, from_step: from.stepName },
    ...{ to_task: to.taskId, to_step: to.stepName },
  };
}

/** JSON, or null if there is nothing: then the function has nothing to do. */
function list(items: readonly unknown[]): string | null {
  return items.length === 0 ? null : JSON.stringify(items);
}

/** True if the row is not there yet: it is written for the first time here. */
export function isFirst({ imports }: Pick<Commit, "imports">, { revision }: Revisioned): boolean {
  return imports === true || revision === 1;
}

/** Rows of which another revision than the first is written, and those that were only read. */
function expectedRows(turn: Commit): readonly RowRef[] {
  const expected: RowRef[] = [];
  for (const kind of rowKindNames) {
    for (const row of turn[kind]) {
      if (!isFirst(turn, row))
        expected.push({ kind, id: rowKind(kind).idOf(row), revision: row.revision - 1 });
    }
  }
  for (const ref of turn.read ?? []) expected.push(ref);
  return expected;
}

function refColumns({ kind, id, revision }: RowRef): Columns {
  const parts = keyOfId(kind, id);
  return {
    ...Object.fromEntries(rowTable(kind).keys.map((column, i) => [column, parts[i]])),
    revision,
  };
}

function written(turn: Commit, name: RowKindName, isNew: boolean): readonly Columns[] {
  const { made, changed } = rowTable(name);
  const rows: readonly Revisioned[] = turn[name];
  const wanted = rows.filter((row) => isFirst(turn, row) === isNew);
  const table = rowTable(name);
  return wanted.map((row) => (isNew ? made : changed).call(table, row));
}

/** True if the Task had an idempotency key and owns it no longer. */
function hasReleased({ ownsKey, spec }: Commit["tasks"][number]): boolean {
  return !ownsKey && spec.idempotencyKey !== "";
}

/** Tasks that something new belongs to although neither they nor their log are written. */
function neededTasks(turn: Commit, created: ReadonlySet<string>): readonly TaskId[] {
  const written = new Set<string>(created);
  for (const { id } of turn.tasks) written.add(id);
  for (const { taskId } of turn.log) written.add(taskId);
  const needed = new Set<TaskId>();
  const need = (taskId: TaskId) => {
    if (!written.has(taskId)) needed.add(taskId);
  };
  for (const kind of rowKindNames) {
    const { taskOf } = rowKind(kind);
    if (!taskOf || kind === "tasks") continue;
    for (const row of turn[kind]) if (isFirst(turn, row)) need(taskOf(row));
  }
  for (const kind of textKindNames) for (const { taskId } of turn[kind]) need(taskId);
  for (const { taskId, at } of turn.deadlines) if (at !== NEVER) need(taskId);
  return [...needed];
}

function textColumns(
  kind: string,
  text: Parameters<typeof textPlace>[0] & { readonly json: string },
): Columns {
  const [taskId, stepName] = textPlace(text);
  return { task_id: taskId, kind, step_name: stepName, json: text.json };
}

function deadlineColumns({ taskId, stepName, kind, at }: Commit["deadlines"][number]): Columns {
  return { task_id: taskId, step_name: stepName, kind, at };
}

/** The log of the commit: heads of new Tasks, how far the others move, and the packed rows. */
function logColumns(turn: Commit, created: ReadonlySet<string>) {
  const moved: Columns[] = [];
  const rows: Columns[] = [];
  const lengths = new Map<string, number>();
  for (const { taskId, entries } of turn.log) {
    const count = entries.length;
    if (created.has(taskId)) lengths.set(taskId, count);
    else moved.push({ task_id: taskId, count });
    let beforeEnd = count;
    for (const [packed, text] of packLog(entries)) {
      rows.push({ task_id: taskId, before_end: beforeEnd, count: packed, entries: text });
      beforeEnd -= packed;
    }
  }
  const heads = [...created].map((id) => ({ task_id: id, next: 1 + (lengths.get(id) ?? 0) }));
  return { heads, moved, rows };
}
