import {
  forKinds,
  type LocalKeyedKindName,
  localKeyedKindNames,
  localKindNames,
  type TextKindName,
  textKindNames,
} from "#domain/row-kinds";
import { isOver, runStatuses } from "#domain/task/run";
import { hasEnded, stepStates } from "#domain/task/step";
import { isTerminal, taskStates, taskStatus } from "#domain/task/task";
import { bytesOf, type Driver, type SqlRow, type Statement } from "../driver.js";
import { enrolment } from "./enrolment.js";
import { layoutTable } from "./layouts.js";
import { outputDays } from "./output-days.js";
import { restores } from "./restores.js";
import {
  agents,
  apiKeys,
  audit,
  deadLetterTable,
  deadlines,
  lanes,
  log,
  pauses,
  plane,
  rowTable,
  runTable,
  stepTable,
  taskTable,
  templates,
  textTables,
} from "./rows.js";
import type { Table } from "./table.js";
import { usageSums } from "./usage-sums.js";

/**
 * All statements that run while the plane does. They are in one file so that a test can check SQLite's query plan of
 * each: no full scan of a table and no sorting, except where the test lists the statement by name.
 *
 * `wanted` is a list of ids, or of tuples, as one JSON array, so that one statement serves any number of them. CROSS
 * JOIN makes SQLite use it as the outer loop.
 */
const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
const endedStates = quoted(stepStates.filter(hasEnded));
const terminalStates = quoted(taskStates.filter(isTerminal));
/** Conditions exclude ended rows by status, so that a row with a damaged status is still selected, and detected. */
const overStatuses = quoted(runStatuses.filter(isOver));
/** Must be equal to the condition of the index `tasks_waiting`. */
const pendingStates = quoted(
  taskStates.filter((state) => taskStatus({ state, hasRun: false }) === "PENDING"),
);

/** The last row of a Task's log, from which the next seq follows. */
const LAST_OF_LOG = `SELECT ${log.columns()} FROM log WHERE task_id = ? ORDER BY first_seq DESC LIMIT 1`;

/** Selects templates by namespace, name and version, in the order requested; and the newest version of a name. */
const registered = {
  templates: `SELECT ${templates.columns("t.")} FROM json_each(?) AS wanted CROSS JOIN templates AS t
    ON t.namespace = wanted.value ->> 0 AND t.name = wanted.value ->> 1 AND t.version = wanted.value ->> 2`,
  newestTemplates: `SELECT ${templates.columns("t.")} FROM json_each(?) AS wanted CROSS JOIN templates AS t
    ON t.namespace = wanted.value ->> 0 AND t.name = wanted.value ->> 1 AND t.version_key = (
      SELECT max(version_key) FROM templates
      WHERE namespace = wanted.value ->> 0 AND name = wanted.value ->> 1)`,
} as const;

export const loads = {
  /** Tasks by their own ids, and by the ids of their Runs. */
  tasks: `SELECT ${taskTable.sealed("t.")} FROM tasks AS t WHERE t.id IN (
    SELECT value FROM json_each(?)
    UNION ALL
    SELECT r.task_id FROM json_each(?) AS wanted CROSS JOIN runs AS r ON r.id = wanted.value)`,
  tasksByKey: `SELECT ${taskTable.sealed("t.")} FROM json_each(?) AS wanted
    CROSS JOIN tasks AS t ON t.namespace = wanted.value ->> 0 AND t.idempotency_key = wanted.value ->> 1
    WHERE t.holds_key = 1 AND t.idempotency_key <> ''`,
  ...forKinds<Record<LocalKeyedKindName, string>>(localKeyedKindNames, (name) => {
    const { keys, name: table, sealed } = rowTable(name);
    return byKey(table, keys, sealed("t."));
  }),
  ...forKinds<Record<TextKindName, string>>(textKindNames, (name) => {
    const { keys, name: table, columns } = textTables[name];
    return byKey(table, keys, columns("t."));
  }),
  stepsOfRuns: `SELECT ${stepTable.sealed("s.")} FROM json_each(?) AS wanted
    CROSS JOIN runs AS r ON r.id = wanted.value
    CROSS JOIN steps AS s ON s.task_id = r.task_id AND s.name = r.step_name`,
  openSteps: `SELECT ${stepTable.sealed("s.")} FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.task_id = wanted.value WHERE s.state NOT IN (${endedStates})`,
  /** The Steps of each Task in the order of its DAG. */
  graphSteps: `SELECT ${stepTable.sealed("s.")} FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.task_id = wanted.value ORDER BY s.position`,
  openRuns: `SELECT ${runTable.sealed("r.")} FROM json_each(?) AS wanted
    CROSS JOIN runs AS r ON r.task_id = wanted.value
    WHERE r.status NOT IN (${overStatuses}) OR r.held_by <> ''`,
  ...registered,
  ready: `SELECT ${stepTable.sealedChanging("")} FROM steps
    WHERE state = 'enqueued' AND lane = ? ORDER BY rank, task_id, name LIMIT ?`,
  due: `SELECT ${deadlines.columns()} FROM deadlines
    WHERE at <= ? AND kind <> 'start' ORDER BY at, task_id, step_name, kind LIMIT ?`,
  dueStarts: `SELECT ${deadlines.columns()} FROM deadlines
    WHERE at <= ? AND kind = 'start' ORDER BY at, task_id, step_name LIMIT ?`,
  nextDue: `SELECT ${deadlines.columns()} FROM deadlines ORDER BY at, task_id, step_name, kind LIMIT 1`,
} as const;

export const boots = {
  head: `SELECT ${plane.columns()} FROM plane WHERE id = 1`,
  lanes: `SELECT ${lanes.columns()} FROM lanes`,
  held: `SELECT ${runTable.sealed("")} FROM runs WHERE held_by <> ''`,
  waiting: `SELECT ${bytesOf("namespace")}, count(*) FROM tasks
    WHERE has_run = 0 AND state IN (${pendingStates}) GROUP BY namespace`,
  templateCounts: `SELECT ${bytesOf("namespace")}, count(*) FROM templates GROUP BY namespace`,
  agents: `SELECT ${agents.columns()} FROM agents`,
  pauses: `SELECT ${pauses.columns()} FROM pauses`,
  lastRestore: `SELECT ${restores.columns()} FROM restores WHERE number = (SELECT max(number) FROM restores)`,
  apiKeys: `SELECT ${apiKeys.columns()} FROM api_keys ORDER BY id`,
  auditEntries: `SELECT ${audit.columns()} FROM audit WHERE (chain, seq) > (?, ?) ORDER BY chain, seq LIMIT ?`,
  auditEntriesOf: `SELECT ${audit.columns()} FROM audit WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?`,
  auditLatest: `SELECT ${audit.columns()} FROM audit WHERE (at, chain, seq) < (?, ?, ?)
    ORDER BY at DESC, chain DESC, seq DESC LIMIT ?`,
  /** The first entry of the next chain. */
  auditChain: `SELECT ${audit.columns()} FROM audit WHERE chain > ? ORDER BY chain, seq LIMIT 1`,
  enrolmentRow: `SELECT ${enrolment.columns()} FROM enrolment WHERE kind = ? AND id = ?`,
  enrolmentRows: `SELECT ${enrolment.columns()} FROM enrolment WHERE kind = ? AND id > ? ORDER BY id LIMIT ?`,
  deniedWorkers: `SELECT ${enrolment.columns()} FROM enrolment
    WHERE denied_until > 0 AND denied_until > ? ORDER BY denied_until`,
  outputDay: `SELECT ${outputDays.columns()} FROM output_days WHERE day = ?`,
  oldOutputDays: "SELECT DISTINCT day FROM output_days WHERE day < ?",
  endedEnrolment: "SELECT kind, id FROM enrolment WHERE ends_at < ? ORDER BY ends_at LIMIT ?",
} as const;

export const writes = {
  ...named("insert", localKindNames, (name) => rowTable(name).insert),
  ...named("update", localKindNames, (name) => rowTable(name).update),
  ...named("revision", localKindNames, (name) => rowTable(name).revision),
  ...named("put", textKindNames, (name) => {
    const { insert, keys } = textTables[name];
    return `INSERT INTO ${insert}
      ON CONFLICT (${keys.join(", ")}) DO UPDATE SET json = excluded.json, sum = excluded.sum`;
  }),
  result: `SELECT ${textTables.outputs.columns()} FROM outputs WHERE task_id = ? AND step_name = ?`,
  addTemplate: `INSERT INTO ${templates.insert} ON CONFLICT DO NOTHING`,
  appendLog: `INSERT INTO ${log.insert}`,
  lastOfLog: LAST_OF_LOG,
  hasTask: "SELECT 1 FROM tasks WHERE id = ?",
  putDeadline: `INSERT INTO ${deadlines.insert}
    ON CONFLICT (task_id, step_name, kind) DO UPDATE SET at = excluded.at, sum = excluded.sum`,
  removeDeadline: "DELETE FROM deadlines WHERE task_id = ? AND step_name = ? AND kind = ?",
  addLane: `INSERT INTO ${lanes.insert} ON CONFLICT DO NOTHING`,
  addLayout: `INSERT INTO ${layoutTable.insert} ON CONFLICT DO NOTHING`,
  removeLane: "DELETE FROM lanes WHERE key = ?",
  putAgent: `INSERT INTO ${agents.insert}
    ON CONFLICT (namespace, name) DO UPDATE SET digest = excluded.digest, seen_at = excluded.seen_at,
      description = excluded.description, announced = excluded.announced, sum = excluded.sum`,
  putPause: `INSERT INTO ${pauses.insert}
    ON CONFLICT (key) DO UPDATE SET until = excluded.until, json = excluded.json, sum = excluded.sum`,
  removePause: "DELETE FROM pauses WHERE key = ?1 AND until = coalesce(?2, until)",
  putApiKey: `INSERT INTO ${apiKeys.insert}
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, json = excluded.json, sum = excluded.sum`,
  apiKey: `SELECT ${apiKeys.columns()} FROM api_keys WHERE id = ?`,
  removeApiKey: "DELETE FROM api_keys WHERE id = ?",
  appendAudit: `INSERT INTO ${audit.insert}`,
  lastOfAudit: `SELECT ${audit.columns()} FROM audit WHERE chain = ? ORDER BY seq DESC LIMIT 1`,
  removeAudit: "DELETE FROM audit WHERE chain = ? AND seq BETWEEN ? AND ?",
  putEnrolment: `INSERT INTO ${enrolment.insert}
    ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, ends_at = excluded.ends_at,
      denied_until = excluded.denied_until, json = excluded.json, sum = excluded.sum`,
  putOutputDay: `INSERT INTO ${outputDays.insert}
    ON CONFLICT (day, writer, namespace) DO UPDATE SET bytes = excluded.bytes, sum = excluded.sum`,
  usageSum: `SELECT ${usageSums.columns()} FROM usage_sums WHERE namespace = ? AND day = ? AND agent_name = ? AND model = ?`,
  countUsageSums: "SELECT count(*) FROM usage_sums WHERE namespace = ? AND day = ?",
  putUsageSum: `INSERT INTO ${usageSums.insert}
    ON CONFLICT (namespace, day, agent_name, model) DO UPDATE SET used = excluded.used, sum = excluded.sum`,
  removeUsageSums: "DELETE FROM usage_sums WHERE namespace = ? AND day <= ?",
  removeOutputDay: "DELETE FROM output_days WHERE day = ?",
  removeEnrolment: "DELETE FROM enrolment WHERE kind = ? AND id = ?",
  forgetAgent: "DELETE FROM agents WHERE namespace = ? AND name = ?",
  /** Changes no row if another program has written to the file. */
  setHead: `UPDATE plane SET id = ?1, store = ?2, at = ?3, commits = ?4, digest = ?5, sum = ?6
    WHERE id = 1 AND commits = ?4 - 1`,
  /** Behind a place in the order in which they finished. */
  finished: `SELECT ${taskTable.sealed("")} FROM tasks
    WHERE finished_at > 0 AND finished_at < ? AND (finished_at, id) > (?, ?) AND state IN (${terminalStates})
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.task_id = tasks.id AND runs.held_by <> '')
    AND NOT EXISTS (SELECT 1 FROM dead_letters AS d
      WHERE d.task_id = tasks.id AND d.status = 'PENDING' AND d.created_at >= ?)
    ORDER BY finished_at, id LIMIT ?`,
  removeTask: "DELETE FROM tasks WHERE id = ?",
} as const;

/** What a list of dead letters looks at, one by one. */
const LETTER = ["task_id", "namespace", "status", "reason"].map(bytesOf).join(", ");

/** The statements of the reader thread; those for lists of Tasks are built in `reader.ts`. */
export const reads = {
  task: `SELECT ${taskTable.sealed("")} FROM tasks WHERE id = ?`,
  taskWithin: `SELECT ${taskTable.sealed("")} FROM tasks
    WHERE id = ? AND namespace IN (SELECT value FROM json_each(?))`,
  input: `SELECT ${textTables.inputs.columns()} FROM inputs WHERE task_id = ?`,
  stepsOf: `SELECT ${stepTable.sealed("")} FROM steps WHERE task_id = ? ORDER BY position`,
  runsOf: `SELECT ${runTable.sealed("")} FROM runs WHERE task_id = ? ORDER BY id`,
  run: `SELECT ${runTable.sealed("")} FROM runs WHERE id = ?`,
  countReady: `SELECT count(*) FROM (SELECT 1 FROM json_each(?) AS wanted
    CROSS JOIN steps AS s ON s.state = 'enqueued' AND s.lane = wanted.value LIMIT ?)`,
  countBefore: `SELECT count(*) FROM (SELECT 1 FROM steps WHERE state = 'enqueued' AND lane = ?
    AND (rank, task_id, name) < (?, ?, ?) LIMIT ?)`,
  stepInput: `SELECT ${textTables.stepInputs.columns()} FROM step_inputs WHERE task_id = ? AND step_name = ?`,
  /** The Runs that workers hold, with their Tasks. */
  heldOfTasks: `SELECT ${runTable.sealed("r.")}, ${taskTable.sealed("t.")} FROM runs AS r CROSS JOIN tasks AS t ON t.id = r.task_id
    WHERE r.held_by <> ''`,
  firstReady: `SELECT task_id FROM steps WHERE state = 'enqueued' AND lane = ? ORDER BY rank, task_id, name LIMIT ?`,
  createdLately: "SELECT namespace FROM tasks WHERE id >= ? ORDER BY id DESC LIMIT ?",
  endedLately: `SELECT namespace, state FROM tasks WHERE finished_at > 0 AND finished_at >= ?
    ORDER BY finished_at DESC, id DESC LIMIT ?`,
  lastFailed: `SELECT ${taskTable.sealed("")} FROM (SELECT * FROM tasks WHERE finished_at > 0
    ORDER BY finished_at DESC, id DESC LIMIT ?1)
    WHERE state = 'error' AND (?2 IS NULL OR namespace IN (SELECT value FROM json_each(?2))) LIMIT ?3`,
  output: `SELECT ${textTables.outputs.columns()} FROM outputs WHERE task_id = ? AND step_name = ?`,
  stepActions: `SELECT ${textTables.stepActions.columns()} FROM step_actions WHERE task_id = ? AND step_name = ?`,
  /** Place and size of records, beginning with one. Keys of one Step are as long as each other; of one whose name goes on, longer. */
  journalRows: `SELECT ${bytesOf("step_name")}, octet_length(json) FROM journal
    WHERE task_id = ?1 AND step_name >= ?2 AND step_name <= ?3 AND length(step_name) = length(?2)
    ORDER BY step_name LIMIT ?4`,
  journal: `SELECT ${textTables.journal.columns()} FROM journal
    WHERE task_id = ?1 AND step_name BETWEEN ?2 AND ?3 AND length(step_name) = length(?2) ORDER BY step_name`,
  /** First seq and size of the packed rows, beginning with the last row that begins at or before a seq. */
  logRows: `SELECT first_seq, octet_length(entries) FROM log
    WHERE task_id = ?1 AND first_seq >= coalesce(
      (SELECT max(first_seq) FROM log WHERE task_id = ?1 AND first_seq <= ?2), 0)
    ORDER BY first_seq LIMIT ?3`,
  logEntries: `SELECT ${log.columns()} FROM log WHERE task_id = ? AND first_seq BETWEEN ? AND ? ORDER BY first_seq`,
  deadLetter: `SELECT ${bytesOf("namespace")}, ${deadLetterTable.sealed("")} FROM dead_letters WHERE task_id = ?`,
  deadLetters: `SELECT created_at, ${LETTER}, ${deadLetterTable.sealed("")} FROM dead_letters
    WHERE (created_at, task_id) < (?, ?) ORDER BY created_at DESC, task_id DESC LIMIT ?`,
  pendingDeadLetters: `SELECT rank, ${LETTER}, ${deadLetterTable.sealed("")} FROM dead_letters
    WHERE status = 'PENDING' AND (rank, task_id) > (?, ?) ORDER BY rank, task_id LIMIT ?`,
  /** Of the newest. */
  deadLetterCounts: `SELECT ${bytesOf("reason")}, ${bytesOf("status")}, count(*), min(created_at), max(created_at),
      sum(iif(closed_at > 0, closed_at - created_at, 0))
    FROM (SELECT reason, status, created_at, closed_at FROM dead_letters
      WHERE ?1 IS NULL OR namespace IN (SELECT value FROM json_each(?1)) ORDER BY created_at DESC, task_id DESC LIMIT ?2)
    GROUP BY reason, status`,
  usageSums: `SELECT ${usageSums.columns()} FROM usage_sums WHERE namespace = ?1 AND day >= ?2 AND day < ?3
    AND (?4 IS NULL OR agent_name = ?4) AND (?5 IS NULL OR model = ?5) ORDER BY day, agent_name, model LIMIT ?6`,
  nextUsageNamespace: `SELECT ${bytesOf("namespace")} FROM usage_sums WHERE namespace > ? ORDER BY namespace LIMIT 1`,
  /** What each Task takes up, of so many behind an id. Lengths are in the head of a row, so that no text is read for them. */
  storedTasks: `SELECT ${bytesOf("t.namespace")}, t.id, t.finished_at > 0,
      (SELECT count(*) FROM steps WHERE task_id = t.id), (SELECT count(*) FROM runs WHERE task_id = t.id),
      coalesce((SELECT octet_length(json) FROM inputs WHERE task_id = t.id), 0)
        + (SELECT coalesce(sum(octet_length(json)), 0) FROM step_inputs WHERE task_id = t.id),
      (SELECT coalesce(sum(octet_length(json)), 0) FROM outputs WHERE task_id = t.id),
      (SELECT coalesce(sum(octet_length(entries)), 0) FROM log WHERE task_id = t.id)
    FROM tasks AS t WHERE t.id > ? ORDER BY t.id LIMIT ?`,
  hasTask: "SELECT 1 FROM tasks WHERE id = ?",
  firstOfLog: `SELECT ${log.columns()} FROM log WHERE task_id = ? ORDER BY first_seq LIMIT 1`,
  lastOfLog: LAST_OF_LOG,
} as const;

const PLACE = `${["namespace", "name", "version"].map(bytesOf).join(", ")}, octet_length(body) + octet_length(source)`;

/** The statements with which `template-list.ts` walks the templates; they read names and sizes only. */
export const walks = {
  ...registered,
  nextNamespace: `SELECT ${bytesOf("namespace")} FROM templates WHERE namespace > ? ORDER BY namespace LIMIT 1`,
  nextNamespaceOf: `SELECT ${bytesOf("namespace")} FROM templates WHERE name = ? AND namespace > ? ORDER BY namespace LIMIT 1`,
  versionsBelow: `SELECT ${PLACE} FROM templates
    WHERE namespace = ? AND name = ? AND version_key < ? ORDER BY version_key DESC LIMIT ?`,
  namesAbove: `SELECT ${PLACE} FROM templates
    WHERE namespace = ? AND name > ? ORDER BY name, version_key DESC LIMIT ?`,
} as const;

/** Selects rows by their keys. A key is a text, or a list of texts if it has several columns. */
function byKey(table: string, keys: readonly string[], selected: string): string {
  const isOne = keys.length === 1;
  const matches = keys.map((column, i) => `t.${column} = wanted.value${isOne ? "" : ` ->> ${i}`}`);
  return `SELECT ${selected} FROM json_each(?) AS wanted
    CROSS JOIN ${table} AS t ON ${matches.join(" AND ")}`;
}

/** Makes a statement for each kind, named by its verb and the name of the kind: `insert steps`. */
function named<Verb extends string, Name extends string>(
  verb: Verb,
  names: readonly Name[],
  textOf: (name: Name) => string,
): Record<`${Verb} ${Name}`, string> {
  const texts = names.map((name) => [`${verb} ${name}`, textOf(name)]);
  return Object.fromEntries(texts) as Record<`${Verb} ${Name}`, string>;
}

export type Prepared<Texts> = { readonly [Name in keyof Texts]: Statement };

export function prepareAll<Texts extends Readonly<Record<string, string>>>(
  driver: Driver,
  texts: Texts,
): Prepared<Texts> {
  const prepared = Object.entries(texts).map(([name, sql]) => [name, driver.prepare(sql)]);
  return Object.fromEntries(prepared) as Prepared<Texts>;
}

/**
 * Runs a statement that selects `table.sealed`, verifies its rows, and returns them as one JSON array.
 *
 * @throws {DamagedRow}
 */
export function listed(table: Pick<Table<unknown>, "textOf">, statement: Statement, values: SqlRow): string {
  return `[${statement.all(values).map(table.textOf).join(",")}]`;
}
