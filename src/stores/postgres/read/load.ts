import type { Needs } from "#domain/needs";
import {
  type RowKindName,
  type RowOf,
  rowKind,
  type TextKindName,
  textId,
  textKindNames,
  textKinds,
  textPlace,
} from "#domain/row-kinds";
import type { StepRow } from "#domain/task/step";
import { type TemplateRow, templateKey } from "#domain/template/template";
import type { Loaded } from "#ports/store-turns";
import { type LoadResult, loadedOf, nothingFound } from "../../shared/load-result.js";
import type { Cells, Statement } from "../connect/connection.js";
import { keyText, rowFrom, templateFrom } from "../rows/rows.js";

/** One part of what is loaded: a SELECT of a kind, two texts and a number, with `$` in the place of each of its values. */
interface Part {
  readonly name: string;
  readonly sql: string;
  readonly values: readonly (readonly string[])[];
}

const row = (kind: "tasks" | "steps" | "runs", alias: string, position = "0") =>
  `SELECT '${kind}', ${alias}.fixed, ${alias}.data, ${position}::bigint`;

/** The statement that loads what a turn needs, all parts of it on one snapshot; undefined if it needs nothing. */
export function loadStatement(
  needs: Needs,
): { readonly statement: Statement; readonly values: readonly unknown[] } | undefined {
  const parts = partsOf(needs).filter(({ values }) => (values[0]?.length ?? 0) > 0);
  if (parts.length === 0) return undefined;

  let number = 0;
  const selects = parts.map(({ sql }) => `(${sql.replaceAll("$", () => `$${++number}`)})`);
  return {
    // There is a bounded number of combinations, of which few occur.
    statement: {
      name: `load ${parts.map(({ name }) => name).join(" ")}`,
      text: selects.join("\nUNION ALL\n"),
    },
    values: parts.flatMap(({ values }) => values),
  };
}

function partsOf(needs: Needs): readonly Part[] {
  const { graphs = [], wholeTasks = [], steps = [], runs = [], keys = [], templates = [] } = needs;
  const { workers = [], heldBy = [], deadLetters = [] } = needs;
  const ofSteps = steps.map(({ taskId }) => taskId);
  const named = templates.filter(({ version }) => version !== "");
  const newest = templates.filter(({ version }) => version === "");
  return [
    {
      name: "t",
      sql: `${row("tasks", "t")} FROM tasks AS t WHERE t.id = ANY ($::text[])`,
      values: [[...new Set([...graphs, ...wholeTasks, ...ofSteps])]],
    },
    {
      name: "k",
      sql: `${row("tasks", "t")} FROM unnest($::text[], $::text[]) AS w(namespace, key)
        JOIN tasks AS t ON t.namespace = w.namespace AND t.key = w.key`,
      values: [keys.map(({ namespace }) => namespace), keys.map(({ key }) => keyText(key))],
    },
    {
      name: "g",
      sql: `${row("steps", "s", "s.position")} FROM steps AS s WHERE s.task_id = ANY ($::text[])`,
      values: [graphs],
    },
    {
      name: "s",
      sql: `${row("steps", "s")} FROM unnest($::text[], $::text[]) AS w(task_id, name)
        JOIN steps AS s ON s.task_id = w.task_id AND s.name = w.name`,
      values: [ofSteps, steps.map(({ stepName }) => stepName)],
    },
    {
      name: "w",
      sql: `${row("steps", "s")} FROM steps AS s WHERE s.task_id = ANY ($::text[]) AND NOT s.ended`,
      values: [wholeTasks],
    },
    {
      name: "o",
      sql: `${row("runs", "r")} FROM runs AS r WHERE r.task_id = ANY ($::text[]) AND (r.ended IS NULL OR r.held)`,
      values: [wholeTasks],
    },
    ...runParts("", "WHERE r.id = ANY ($::text[])", runs),
    ...runParts("h", "WHERE r.held AND r.held_by = ANY ($::text[])", heldBy),
    {
      name: "c",
      sql: "SELECT 'workers', '{}', w.data, 0::bigint FROM workers AS w WHERE w.key = ANY ($::text[])",
      values: [workers],
    },
    {
      name: "d",
      sql: "SELECT 'deadLetters', '{}', d.data, 0::bigint FROM dead_letters AS d WHERE d.task_id = ANY ($::text[])",
      values: [deadLetters],
    },
    {
      name: "x",
      sql: `SELECT t.kind, t.task_id || '/' || t.step_name, t.json, 0::bigint
        FROM unnest($::text[], $::text[], $::text[]) AS w(kind, task_id, step_name)
        JOIN texts AS t ON t.task_id = w.task_id AND t.kind = w.kind AND t.step_name = w.step_name`,
      values: textValues(needs),
    },
    {
      name: "v",
      sql: `SELECT 'templates', '', t.data, 0::bigint FROM unnest($::text[], $::text[], $::text[]) AS w(namespace, name, version)
        JOIN templates AS t ON t.namespace = w.namespace AND t.name = w.name AND t.version = w.version`,
      values: [
        named.map(({ namespace }) => namespace),
        named.map(({ name }) => name),
        named.map(({ version }) => version),
      ],
    },
    {
      name: "n",
      sql: `SELECT 'templates', '', t.data, 0::bigint FROM unnest($::text[], $::text[]) AS w(namespace, name)
        CROSS JOIN LATERAL (SELECT data FROM templates AS n WHERE n.namespace = w.namespace AND n.name = w.name
          ORDER BY n.version_key DESC LIMIT 1) AS t`,
      values: [newest.map(({ namespace }) => namespace), newest.map(({ name }) => name)],
    },
  ];
}

/** A Run comes with its Step and its Task. */
function runParts(prefix: string, wanted: string, keys: readonly string[]): readonly Part[] {
  const from = "FROM runs AS r";
  const step = "JOIN steps AS s ON s.task_id = r.task_id AND s.name = r.fixed::json ->> 'stepName'";
  const task = "JOIN tasks AS t ON t.id = r.task_id";
  const values = [keys];
  return [
    { name: `${prefix}r`, sql: `${row("runs", "r")} ${from} ${wanted}`, values },
    { name: `${prefix}q`, sql: `${row("steps", "s")} ${from} ${step} ${wanted}`, values },
    { name: `${prefix}u`, sql: `${row("tasks", "t")} ${from} ${task} ${wanted}`, values },
  ];
}

function textValues(needs: Needs): readonly (readonly string[])[] {
  const wanted = textKindNames.flatMap((kind) => (needs[kind] ?? []).map((key) => [kind, ...textPlace(key)]));
  return [0, 1, 2].map((i) => wanted.map((columns) => columns[i] ?? ""));
}

/** Decodes what the statement has selected. */
export function loadedFrom(selected: readonly Cells[]): Loaded {
  const found = nothingFound();
  const graph: { readonly position: number; readonly step: StepRow }[] = [];
  for (const [kind, a, b, position] of selected) {
    if (kind === "templates") addTemplate(found, templateFrom(b));
    else if (isText(kind)) found[kind].set(textIdOf(kind, String(a)), String(b));
    else if (kind === "steps" && Number(position) > 0)
      graph.push({ position: Number(position), step: rowFrom(a, b) });
    else addRow(found, kind as RowKindName, rowFrom(a, b));
  }
  if (graph.length === 0) return loadedOf(found);

  // The Steps of a graph come first, in its order.
  const others = new Map(found.steps);
  found.steps.clear();
  graph.sort((x, y) => x.position - y.position);
  for (const { step } of graph) addRow(found, "steps", step);
  for (const step of others.values()) addRow(found, "steps", step);
  return loadedOf(found);
}

function addRow<Name extends RowKindName>(found: LoadResult, name: Name, row: RowOf<Name>): void {
  const rows: Map<string, unknown> = found[name];
  const id = rowKind(name).idOf(row);
  if (!rows.has(id)) rows.set(id, row);
}

function addTemplate({ templates }: LoadResult, row: TemplateRow): void {
  templates.set(templateKey(row), row);
}

function isText(kind: unknown): kind is TextKindName {
  return textKindNames.some((name) => name === kind);
}

/** @param place Task and Step, joined by a slash */
function textIdOf(kind: TextKindName, place: string): string {
  const end = place.indexOf("/");
  const [taskId, stepName] = [place.slice(0, end), place.slice(end + 1)];
  return textKinds[kind] === "task" ? taskId : textId({ taskId, stepName } as Parameters<typeof textId>[0]);
}
