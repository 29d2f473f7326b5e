import { isOver, runStatuses } from "#domain/run";
import { isSettled, stepStates } from "#domain/step";
import { isTerminal, taskStates, taskStatus } from "#domain/task";
import type { Driver, SqlRow, Statement } from "./driver.js";
import { lanes, runTable, stepTable, taskTable, templates } from "./rows.js";
import { plainJson } from "./table.js";

/**
 * Every statement that runs while the plane does, so that one test can ask SQLite how it would run each of them:
 * never by looking through a whole table, never by sorting, except where a name in the test says so.
 *
 * `wanted` is a list of ids, or of pairs, as one JSON array: one statement for any number of them. CROSS JOIN makes
 * SQLite begin with it.
 */
const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
const settledStates = quoted(stepStates.filter(isSettled));
const terminalStates = quoted(taskStates.filter(isTerminal));
const liveStatuses = quoted(runStatuses.filter((status) => !isOver(status)));
/** Also the condition of the index `tasks_waiting`. */
const pendingStates = quoted(
  taskStates.filter((state) => taskStatus({ state, hasRun: false }) === "PENDING"),
);

/** Where a Task's log goes on; its last row says it. */
const NEXT_SEQ =
  "coalesce((SELECT first_seq + count FROM log WHERE task_id = ?1 ORDER BY first_seq DESC LIMIT 1), 1)";

/** Templates by namespace, name and version, in the order asked for; and the newest of namespace and name. */
const registered = {
  templates: `SELECT ${templates.json("t.")} FROM json_each(?) AS wanted CROSS JOIN templates AS t
    ON t.namespace = wanted.value ->> 0 AND t.name = wanted.value ->> 1 AND t.version = wanted.value ->> 2`,
  newestTemplates: `SELECT ${templates.json("t.")} FROM json_each(?) AS wanted CROSS JOIN templates AS t
    ON t.namespace = wanted.value ->> 0 AND t.name = wanted.value ->> 1 AND t.version_key = (
      SELECT max(version_key) FROM templates
      WHERE namespace = wanted.value ->> 0 AND name = wanted.value ->> 1)`,
} as const;

export const loads = {
  /** By their ids, and of the Runs with these ids. */
  tasks: `SELECT ${taskTable.json("t.")} FROM tasks AS t WHERE t.id IN (
    SELECT value FROM json_each(?)
    UNION ALL
    SELECT r.task_id FROM json_each(?) AS wanted CROSS JOIN runs AS r ON r.id = wanted.value)`,
  tasksByKey: `SELECT ${taskTable.json("t.")} FROM json_each(?) AS wanted
    CROSS JOIN tasks AS t ON t.namespace = wanted.value ->> 0 AND t.idempotency_key = wanted.value ->> 1
    WHERE t.holds_key = 1 AND t.idempotency_key <> ''`,
  steps: `SELECT ${stepTable.json("s.")} FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.task_id = wanted.value ->> 0 AND s.name = wanted.value ->> 1`,
  stepsOfRuns: `SELECT ${stepTable.json("s.")} FROM json_each(?) AS wanted
    CROSS JOIN runs AS r ON r.id = wanted.value
    CROSS JOIN steps AS s ON s.task_id = r.task_id AND s.name = r.step_name`,
  openSteps: `SELECT ${stepTable.json("s.")} FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.task_id = wanted.value WHERE s.state NOT IN (${settledStates})`,
  /** Each Task's in the order of its DAG. */
  graphSteps: `SELECT ${stepTable.json("s.")} FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.task_id = wanted.value ORDER BY s.position`,
  runs: `SELECT ${runTable.json("r.")} FROM json_each(?) AS wanted
    CROSS JOIN runs AS r ON r.id = wanted.value`,
  openRuns: `SELECT ${runTable.json("r.")} FROM json_each(?) AS wanted
    CROSS JOIN runs AS r ON r.task_id = wanted.value
    WHERE r.status IN (${liveStatuses}) OR r.held_by <> ''`,
  inputs: `SELECT json_array(i.task_id, i.json) FROM json_each(?) AS wanted
    CROSS JOIN inputs AS i ON i.task_id = wanted.value`,
  stepInputs: textsOf("step_inputs"),
  outputs: textsOf("outputs"),
  ...registered,
  ready: `SELECT json_object('taskId', task_id, 'stepName', name, 'lane', lane, 'rank', rank,
      'declines', ${stepTable.field("declines")}, 'avoidWorker', ${stepTable.field("avoidWorker")},
      'avoidUntil', ${stepTable.field("avoidUntil")}, 'nextAttemptAt', ${stepTable.field("nextAttemptAt")}) FROM steps
    WHERE state = 'enqueued' AND lane = ? ORDER BY rank, task_id, name LIMIT ?`,
  due: `SELECT ${plainJson("taskId", "stepName", "kind", "at")} FROM deadlines
    WHERE at <= ? ORDER BY at, task_id, step_name, kind LIMIT ?`,
  nextDue: "SELECT at FROM deadlines ORDER BY at LIMIT 1",
} as const;

export const boots = {
  at: "SELECT at FROM plane WHERE id = 1",
  lanes: `SELECT ${lanes.json} FROM lanes`,
  held: `SELECT ${runTable.json("")} FROM runs WHERE held_by <> ''`,
  waiting: `SELECT json_array(namespace, count(*)) FROM tasks
    WHERE has_run = 0 AND state IN (${pendingStates}) GROUP BY namespace`,
  templateCounts: "SELECT json_array(namespace, count(*)) FROM templates GROUP BY namespace",
} as const;

export const writes = {
  insertTask: taskTable.insert,
  updateTask: taskTable.update,
  insertStep: stepTable.insert,
  updateStep: stepTable.update,
  insertRun: runTable.insert,
  updateRun: runTable.update,
  putInput: `INSERT INTO inputs (task_id, json) VALUES (?, ?)
    ON CONFLICT (task_id) DO UPDATE SET json = excluded.json`,
  putOutput: `INSERT INTO outputs (task_id, step_name, json) VALUES (?, ?, ?)
    ON CONFLICT (task_id, step_name) DO UPDATE SET json = excluded.json`,
  putStepInput: `INSERT INTO step_inputs (task_id, step_name, json) VALUES (?, ?, ?)
    ON CONFLICT (task_id, step_name) DO UPDATE SET json = excluded.json`,
  addTemplate: `INSERT INTO templates (${templates.columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  appendLog: `INSERT INTO log (task_id, first_seq, count, entries)
    VALUES (?1, ${NEXT_SEQ}, ?2, ?3) RETURNING first_seq`,
  nextSeq: `SELECT ${NEXT_SEQ} FROM tasks WHERE id = ?1`,
  putDeadline: `INSERT INTO deadlines (task_id, step_name, kind, at) VALUES (?, ?, ?, ?)
    ON CONFLICT (task_id, step_name, kind) DO UPDATE SET at = excluded.at`,
  removeDeadline: "DELETE FROM deadlines WHERE task_id = ? AND step_name = ? AND kind = ?",
  addLane: `INSERT INTO lanes (${lanes.columns}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  removeLane: "DELETE FROM lanes WHERE key = ?",
  setTime: "UPDATE plane SET at = ? WHERE id = 1",
  finished: `SELECT id FROM tasks WHERE finished_at > 0 AND finished_at < ? AND state IN (${terminalStates})
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.task_id = tasks.id AND runs.held_by <> '')
    ORDER BY finished_at, id LIMIT ?`,
  removeTask: "DELETE FROM tasks WHERE id = ?",
} as const;

/** What the reader thread runs; lists of Tasks are put together in `reader.ts`. */
export const reads = {
  task: `SELECT ${taskTable.json("")} FROM tasks WHERE id = ?`,
  input: "SELECT json FROM inputs WHERE task_id = ?",
  stepsOf: `SELECT ${stepTable.json("")} FROM steps WHERE task_id = ? ORDER BY position`,
  runsOf: `SELECT ${runTable.json("")} FROM runs WHERE task_id = ? ORDER BY id`,
  run: `SELECT ${runTable.json("")} FROM runs WHERE id = ?`,
  output: "SELECT json FROM outputs WHERE task_id = ? AND step_name = ?",
  /** The packed rows from the one that holds a seq on, without what they hold; bounded by LIMIT. */
  logRows: `SELECT first_seq, octet_length(entries) FROM log
    WHERE task_id = ?1 AND first_seq + count > ?2 AND first_seq >= coalesce(
      (SELECT max(first_seq) FROM log WHERE task_id = ?1 AND first_seq <= ?2), 0)
    ORDER BY first_seq LIMIT ?3`,
  logEntries: `SELECT entries FROM log WHERE task_id = ? AND first_seq BETWEEN ? AND ? ORDER BY first_seq`,
  logBounds: `SELECT coalesce((SELECT min(first_seq) FROM log WHERE task_id = ?1), 1), ${NEXT_SEQ} - 1
    FROM tasks WHERE id = ?1`,
} as const;

/** What `template-list.ts` walks the templates with: names and sizes only. */
export const walks = {
  ...registered,
  nextNamespace: "SELECT namespace FROM templates WHERE namespace > ? ORDER BY namespace LIMIT 1",
  nextNamespaceOf:
    "SELECT namespace FROM templates WHERE name = ? AND namespace > ? ORDER BY namespace LIMIT 1",
  versionsBelow: `SELECT namespace, name, version, octet_length(body) + octet_length(source) FROM templates
    WHERE namespace = ? AND name = ? AND version_key < ? ORDER BY version_key DESC LIMIT ?`,
  namesAbove: `SELECT namespace, name, version, octet_length(body) + octet_length(source) FROM templates
    WHERE namespace = ? AND name > ? ORDER BY name, version_key DESC LIMIT ?`,
} as const;

/** Task, Step and JSON text of Steps that have one. */
function textsOf(table: "step_inputs" | "outputs"): string {
  return `SELECT json_array(o.task_id, o.step_name, o.json) FROM json_each(?) AS wanted
    CROSS JOIN ${table} AS o ON o.task_id = wanted.value ->> 0 AND o.step_name = wanted.value ->> 1`;
}

export type Prepared<Texts> = { readonly [Name in keyof Texts]: Statement };

export function prepareAll<Texts extends Readonly<Record<string, string>>>(
  driver: Driver,
  texts: Texts,
): Prepared<Texts> {
  const prepared = Object.entries(texts).map(([name, sql]) => [name, driver.prepare(sql)]);
  return Object.fromEntries(prepared) as Prepared<Texts>;
}

/** The rows of a statement that selects one JSON text, as one JSON array. */
export function listed(statement: Statement, values: SqlRow): string {
  return `[${statement.all(values).join(",")}]`;
}
