import type { RowRef } from "#domain/conflict";
import type { Needs } from "#domain/needs";
import {
  forKinds,
  keyOfId,
  type LocalKeyedKindName,
  type LocalKindName,
  localKeyedKindNames,
  localKindNames,
  type Revisioned,
  rowKind,
  type TextKey,
  type TextRow,
  textKindNames,
} from "#domain/row-kinds";
import type { TaskRow } from "#domain/task/task";
import { templateKey } from "#domain/template/template";
import { instant } from "#domain/time/time";
import type { BootState, Commit, Loaded, LoadedRows, LoadedTexts } from "#ports/store-turns";
import { packLog } from "../../shared/pack-log.js";
import type { SqlRow } from "../driver.js";
import type { Layouts } from "../rows/layouts.js";
import {
  agentValues,
  laneValues,
  pauseValues,
  rowTable,
  runTable,
  templateFrom,
  templateValues,
} from "../rows/rows.js";
import type { Table } from "../rows/table.js";
import type {
  BootReply,
  CommitRequest,
  CommittedRows,
  CommittedTexts,
  ExpectedRow,
  LoadReply,
  LoadRequest,
  PackedChanges,
  Wanted,
  WantedRows,
  WantedTexts,
} from "./requests.js";

/** Between the words of the port and the messages of the store's threads. */
export function encodeCommit(turn: Commit): CommitRequest {
  return {
    at: turn.at,
    read: (turn.read ?? []).map(expectedRow),
    bringsWork: turn.imports === true || turn.templates.length > 0 || turn.tasks.some(isAskedFor),
    ...forKinds<CommittedRows>(localKindNames, (name) => changes(rowTable(name), turn[name], turn.imports)),
    ...forKinds<CommittedTexts>(textKindNames, (name) => turn[name].map(textValues)),
    copies: (turn.copies ?? []).map(({ from, to }) => [
      [from.taskId, from.stepName],
      [to.taskId, to.stepName],
    ]),
    templates: turn.templates.map(templateValues),
    log: turn.log.map(({ taskId, entries }) => ({ taskId, packed: packLog(entries) })),
    deadlines: turn.deadlines.map(({ taskId, stepName, kind, at }) => [taskId, stepName, kind, at]),
    lanes: turn.lanesAdded.map(laneValues),
    lanesRemoved: turn.lanesRemoved,
    agents: turn.agents.map(agentValues),
    agentsForgotten: turn.agentsForgotten.map(({ namespace, name }) => [namespace, name]),
    pauses: turn.pauses?.map(pauseValues),
    used: turn.used,
    audit: turn.audit,
  };
}

function expectedRow({ kind, id, revision }: RowRef): ExpectedRow {
  return { kind: kind as LocalKindName, key: keyOfId(kind, id), revision };
}

/** A new Task of a client's: one that other Tasks' Steps have become, or that undoes one, is a part of those. */
function isAskedFor({ revision, spec }: TaskRow): boolean {
  return revision === 1 && spec.parent === null && spec.compensates === "";
}

function textValues(text: TextRow): SqlRow {
  return "stepName" in text ? [text.taskId, text.stepName, text.json] : [text.taskId, text.json];
}

function changes(table: Table<Revisioned>, rows: readonly Revisioned[], areNew = false): PackedChanges {
  const inserts: SqlRow[] = [];
  const updates: SqlRow[] = [];
  for (const row of rows) {
    if (areNew || row.revision === 1) inserts.push(table.insertValues(row));
    else updates.push(table.updateValues(row));
  }
  return { inserts, updates };
}

export function encodeNeeds(needs: Needs): LoadRequest {
  return {
    wholeTasks: unique(needs.wholeTasks),
    graphs: unique(needs.graphs),
    ...forKinds<WantedRows>(localKeyedKindNames, (name) =>
      (needs[name] ?? []).map((key) => wantedRow(name, key)),
    ),
    ...forKinds<WantedTexts>(textKindNames, (name) => (needs[name] ?? []).map(wantedText)),
    keys: (needs.keys ?? []).map(({ namespace, key }) => [namespace, key]),
    templates: (needs.templates ?? [])
      .filter(({ version }) => version !== "")
      .map(({ namespace, name, version }) => [namespace, name, version]),
    newestTemplates: (needs.templates ?? [])
      .filter(({ version }) => version === "")
      .map(({ namespace, name }) => [namespace, name]),
  };
}

function wantedRow(name: LocalKeyedKindName, key: unknown): Wanted {
  const parts = rowKind(name).partsOf(key);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : parts;
}

function wantedText(key: TextKey): Wanted {
  return typeof key === "string" ? key : [key.taskId, key.stepName];
}

export function decodeLoaded(reply: LoadReply, layouts: Layouts): Loaded {
  const rowsOf = (name: LocalKindName) => {
    const table = rowTable(name);
    const found = reply[name].flatMap((text) => table.rows(text, layouts));
    return distinct(found, rowKind(name).idOf);
  };
  return {
    ...forKinds<Pick<LoadedRows, LocalKindName>>(localKindNames, rowsOf),
    workers: [],
    ...forKinds<LoadedTexts>(textKindNames, (name) => new Map(reply[name].map(textOf))),
    templates: distinct(reply.templates.map(templateFrom), templateKey),
  };
}

/** A text by its id, of values that begin with its key. */
function textOf(values: SqlRow): [id: string, json: string] {
  return [values.slice(0, -1).join("/"), String(values.at(-1))];
}

export function decodeBoot(
  { at, lanes, held, waiting, templates, agents, pauses, nextDueAt, restored }: BootReply,
  layouts: Layouts,
): BootState {
  return {
    at: instant(at),
    lanes,
    held: runTable.rows(held, layouts),
    waiting: new Map(waiting),
    templates: new Map(templates),
    agents,
    pauses,
    nextDueAt: nextDueAt === null ? undefined : instant(nextDueAt),
    ...(restored && { restored }),
  };
}

/** What SQLite has made JSON of, as the statement that selected it says. */
export function rows<Row>(text: string): readonly Row[] {
  return JSON.parse(text);
}

function unique<Id extends string>(ids: readonly Id[] = []): Id[] {
  return [...new Set(ids)];
}

/** Without the rows that were asked for in more than one way. */
function distinct<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Row[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()];
}
