import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { LogEntry } from "#domain/log";
import type { TaskRow } from "#domain/task";
import { templateKey } from "#domain/template";
import { instant } from "#domain/time";
import type { BootState, Commit, Loaded, Needs } from "#ports/store";
import type { SqlRow } from "./driver.js";
import type { Layouts } from "./layouts.js";
import type { BootReply, CommitRequest, LoadReply, LoadRequest, Packed, RowChanges } from "./requests.js";
import { laneValues, runTable, stepTable, taskTable, templateFrom, templateValues } from "./rows.js";
import type { Table } from "./table.js";

/** Between the words of the port and the messages of the store's threads. */
export function encodeCommit(turn: Commit): CommitRequest {
  return {
    at: turn.at,
    bringsWork: turn.templates.length > 0 || turn.tasks.some(isAskedFor),
    tasks: changes(taskTable, turn.tasks),
    steps: changes(stepTable, turn.steps),
    runs: changes(runTable, turn.runs),
    inputs: turn.inputs.map(({ taskId, json }) => [taskId, json]),
    outputs: turn.outputs.map(({ taskId, stepName, json }) => [taskId, stepName, json]),
    stepInputs: turn.stepInputs.map(({ taskId, stepName, json }) => [taskId, stepName, json]),
    templates: turn.templates.map(templateValues),
    log: turn.log.map(({ taskId, entries }) => ({ taskId, packed: pack(entries) })),
    deadlines: turn.deadlines.map(({ taskId, stepName, kind, at }) => [taskId, stepName, kind, at]),
    lanes: turn.lanesAdded.map(laneValues),
    lanesRemoved: turn.lanesRemoved,
  };
}

/** A new Task of a client's: one that other Tasks' Steps have become, or that undoes one, is a part of those. */
function isAskedFor({ revision, spec }: TaskRow): boolean {
  return revision === 1 && spec.parent === null && spec.compensates === "";
}

function changes<Row extends { readonly revision: number }>(
  table: Table<Row>,
  rows: readonly Row[],
): RowChanges {
  const inserts: SqlRow[] = [];
  const updates: SqlRow[] = [];
  for (const row of rows) {
    if (row.revision === 1) inserts.push(table.insertValues(row));
    else updates.push(table.updateValues(row));
  }
  return { inserts, updates };
}

/** One row for all lines of a commit, or as many as it takes for each to stay a small part of a read. */
function pack(entries: readonly LogEntry[]): Packed[] {
  if (entries.length === 0) return [];
  const text = JSON.stringify(entries);
  if (text.length <= limits.chunkBytes || entries.length === 1) return [[entries.length, text]];

  const half = Math.ceil(entries.length / 2);
  return [...pack(entries.slice(0, half)), ...pack(entries.slice(half))];
}

export function encodeNeeds(needs: Needs): LoadRequest {
  return {
    wholeTasks: unique(needs.wholeTasks),
    graphs: unique(needs.graphs),
    steps: pairs(needs.steps),
    runs: unique(needs.runs),
    keys: (needs.keys ?? []).map(({ namespace, key }) => [namespace, key]),
    inputs: unique(needs.inputs),
    stepInputs: pairs(needs.stepInputs),
    outputs: pairs(needs.outputs),
    templates: (needs.templates ?? [])
      .filter(({ version }) => version !== "")
      .map(({ namespace, name, version }) => [namespace, name, version]),
    newestTemplates: (needs.templates ?? [])
      .filter(({ version }) => version === "")
      .map(({ namespace, name }) => [namespace, name]),
  };
}

export function decodeLoaded({ tasks, steps, runs, inputs, ...more }: LoadReply, layouts: Layouts): Loaded {
  const rowsOf = <Row>({ rows }: Pick<Table<Row>, "rows">, texts: readonly string[]) =>
    texts.flatMap((text) => rows(text, layouts));
  return {
    tasks: distinct(rowsOf(taskTable, tasks), ({ id }) => id),
    steps: distinct(rowsOf(stepTable, steps), ({ taskId, name }) => stepKey({ taskId, stepName: name })),
    runs: distinct(rowsOf(runTable, runs), ({ id }) => id),
    inputs: new Map(inputs.map(([taskId, json]) => [taskId as TaskId, String(json)])),
    stepInputs: texts(more.stepInputs),
    outputs: texts(more.outputs),
    templates: distinct(more.templates.map(templateFrom), templateKey),
  };
}

export function decodeBoot(
  { at, lanes, held, waiting, templates, nextDueAt }: BootReply,
  layouts: Layouts,
): BootState {
  return {
    at: instant(at),
    lanes,
    held: runTable.rows(held, layouts),
    waiting: new Map(waiting),
    templates: new Map(templates),
    nextDueAt: nextDueAt === null ? undefined : instant(nextDueAt),
  };
}

/** What SQLite has made JSON of, as the statement that selected it says. */
export function rows<Row>(text: string): readonly Row[] {
  return JSON.parse(text);
}

function pairs(keys: readonly StepKey[] = []): [string, string][] {
  return keys.map(({ taskId, stepName }) => [taskId, stepName]);
}

function texts(found: readonly SqlRow[]): Map<string, string> {
  return new Map(
    found.map(([taskId, stepName, json]) => [
      stepKey({ taskId: taskId as TaskId, stepName: String(stepName) }),
      String(json),
    ]),
  );
}

function unique<Id extends string>(ids: readonly Id[] = []): Id[] {
  return [...new Set(ids)];
}

/** Without the rows that were asked for in more than one way. */
function distinct<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()];
}
