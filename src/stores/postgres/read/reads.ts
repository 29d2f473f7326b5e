import type { RunId, StepKey, TaskId } from "#domain/id";
import { covers, type PauseScope } from "#domain/pause/pause";
import { selects } from "#domain/task/filter";
import { recordKey } from "#domain/task/journal";
import type { LogEntry, LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import type {
  JournalBounds,
  LanePlace,
  Reads,
  TaskDetail,
  TaskFilter,
  TaskPage,
  TemplateFilter,
} from "#ports/store-reads";
import type { Calls } from "../connect/calls.js";
import type { Cells } from "../connect/connection.js";
import { rowFrom, templateFrom } from "../rows/rows.js";
import { deadLetterReads } from "./dead-letters.js";
import { overviewReads } from "./overview.js";
import { listStatements } from "./task-list.js";
import { templatePage } from "./template-list.js";
import { readUsage } from "./usage-sums.js";

const reads = {
  /** A Task with its input, its Steps and its Runs; one snapshot. Nothing if it is in none of the namespaces, where null is all. */
  task: {
    name: "task",
    text: `WITH found AS MATERIALIZED (SELECT id, fixed, data FROM tasks
        WHERE id = $1 AND ($2::text[] IS NULL OR namespace = ANY ($2::text[])))
      SELECT 'task', fixed, data, '' FROM found
      UNION ALL SELECT 'input', json, '', '' FROM found JOIN texts
        ON task_id = found.id AND kind = 'inputs' AND step_name = ''
      UNION ALL SELECT 'step', steps.fixed, steps.data, lpad(position::text, 20, '0')
        FROM found JOIN steps ON task_id = found.id
      UNION ALL SELECT 'run', runs.fixed, runs.data, runs.id FROM found JOIN runs ON task_id = found.id`,
  },
  run: { name: "run", text: "SELECT fixed, data FROM runs WHERE id = $1" },
  text: { name: "text", text: "SELECT json FROM texts WHERE task_id = $1 AND kind = $2 AND step_name = $3" },
  countReady: {
    name: "count-ready",
    text: "SELECT count(*) FROM (SELECT FROM steps WHERE lane = ANY ($1::text[]) LIMIT $2::bigint) AS ready",
  },
  countBefore: {
    name: "count-before",
    text: `SELECT count(*) FROM (SELECT FROM steps WHERE lane = $1
      AND (rank, task_id, name) < ($2::bigint, $3::text, $4::text) LIMIT $5::bigint) AS ready`,
  },
  /** A page of the Runs that workers hold, with their Tasks, behind a node and an id. */
  held: {
    name: "held-page",
    text: `SELECT r.node, r.id, r.fixed, r.data, t.fixed FROM runs AS r JOIN tasks AS t ON t.id = r.task_id
      WHERE r.held AND (r.node, r.id) > ($1, $2) ORDER BY r.node, r.id LIMIT ${limits.heldPage}`,
  },
  template: {
    name: "template",
    text: "SELECT data FROM templates WHERE namespace = $1 AND name = $2 AND version = $3",
  },
  newest: {
    name: "newest-template",
    text: "SELECT data FROM templates WHERE namespace = $1 AND name = $2 ORDER BY version_key DESC LIMIT 1",
  },
  /** From the row that a seq is in, as many rows as fit, and at least one. */
  journal: {
    name: "journal",
    text: `SELECT json FROM (
      SELECT step_name, json,
        sum(octet_length(json)) OVER (ORDER BY step_name) - octet_length(json) AS before
      FROM (SELECT step_name, json FROM texts
        WHERE task_id = $1 AND kind = 'journal' AND step_name >= $2 AND step_name <= $3
          AND length(step_name) = length($2)
        ORDER BY step_name LIMIT $4) AS rows) AS weighed
      WHERE before = 0 OR before < $5 ORDER BY step_name`,
  },
  log: {
    name: "log",
    text: `SELECT first_seq, entries FROM (
      SELECT first_seq, entries,
        sum(octet_length(entries)) OVER (ORDER BY first_seq) - octet_length(entries) AS before
      FROM (SELECT first_seq, entries FROM log
        WHERE task_id = $1 AND first_seq >= coalesce(
          (SELECT max(first_seq) FROM log WHERE task_id = $1 AND first_seq <= $2), 0)
        ORDER BY first_seq LIMIT $3) AS rows) AS weighed
      WHERE before = 0 OR before < $4::bigint ORDER BY first_seq`,
  },
  logBounds: {
    name: "log-bounds",
    text: `SELECT next, (SELECT min(first_seq) FROM log WHERE log.task_id = $1) FROM log_heads WHERE task_id = $1`,
  },
} as const;

/** The same for who is confined: of rows without a namespace those of a Task that is to be seen, see `0009-namespaces.ts`. */
const confinedReads = {
  ...reads,
  run: {
    name: "run-within",
    text: "SELECT r.fixed, r.data FROM runs AS r WHERE r.id = $1 AND EXISTS (SELECT FROM tasks AS t WHERE t.id = r.task_id)",
  },
  text: within(reads.text),
  journal: within(reads.journal),
  log: within(reads.log),
  logBounds: within(reads.logBounds),
} as const;

/** @param statement its first value is the id of a Task */
function within({ name, text }: { readonly name: string; readonly text: string }) {
  const where = "WHERE task_id = $1";
  return {
    name: `${name}-within`,
    text: text.replace(where, `${where} AND EXISTS (SELECT FROM tasks AS t WHERE t.id = $1)`),
  };
}

/** Clients' reads: each is one statement, or two that may be of different moments. */
export function postgresReads(calls: Calls): Reads {
  return { ...readsBy(calls, calls), within: (namespaces) => readsBy(calls.within(namespaces), calls) };
}

/** Reads of what belongs to Tasks and Steps beside their rows. */
function textReads(calls: Calls, sql: typeof reads | typeof confinedReads) {
  const text = async (kind: string, taskId: string, stepName: string) => {
    const [found] = await calls.query(sql.text, [taskId, kind, stepName]);
    return found && String(found[0]);
  };
  return {
    input: (id: TaskId) => text("inputs", id, ""),
    stepInput: ({ taskId, stepName }: StepKey) => text("stepInputs", taskId, stepName),
    output: ({ taskId, stepName }: StepKey) => text("outputs", taskId, stepName),
    stepActions: ({ taskId, stepName }: StepKey) => text("stepActions", taskId, stepName),

    async journal(step: StepKey, from: number, most: JournalBounds) {
      const places = [from, limits.journalRecords].map((seq) => recordKey(step, seq).stepName);
      const found = await calls.query(sql.journal, [step.taskId, ...places, most.records, most.bytes]);
      return found.map(([json]) => String(json));
    },
  };
}

/** @param all calls that see everything, for how far a page may look */
function readsBy(calls: Calls, all: Calls): Reads {
  const sql = calls === all ? reads : confinedReads;
  return {
    async task(id: TaskId, namespaces: TaskFilter["namespaces"] = "*"): Promise<TaskDetail | undefined> {
      return detailFrom(await calls.query(sql.task, [id, namespaces === "*" ? null : namespaces]));
    },

    async tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage> {
      // Confined, a page would go on looking until it has found as many of its own as it may look at.
      const isConfined = calls !== all && (filter.namespaces === "*" || filter.namespaces.length !== 1);
      const unbounded = listStatements(filter, before, pageSize);
      const bound = isConfined
        ? (await all.query(unbounded.last.statement, unbounded.last.values))[0]
        : undefined;
      const from = bound && (String(bound[0]) as TaskId);
      const { page, last } = from ? listStatements(filter, before, pageSize, from) : unbounded;
      const found = await calls.query(page.statement, page.values);
      const shown = found.slice(0, pageSize).map(([fixed, data]) => rowFrom<TaskRow>(fixed, data));
      const tasks = shown.filter((task) => selects(filter, task));
      if (found.length > pageSize) return { tasks, next: shown.at(-1)?.id };
      if (isConfined) return { tasks, next: from };
      const [end] = await calls.query(last.statement, last.values);
      return { tasks, next: end ? (String(end[0]) as TaskId) : undefined };
    },

    countReady: async (lanes, most) => Number((await calls.query(sql.countReady, [lanes, most]))[0]?.[0]),

    async countBefore({ lane, rank, taskId, stepName }: LanePlace, most: number): Promise<number> {
      const [row] = await calls.query(sql.countBefore, [lane, rank, taskId, stepName, most]);
      return Number(row?.[0]);
    },

    countHeld: (scope: PauseScope) => countHeld(scope, (after) => calls.query(sql.held, after)),
    ...overviewReads(calls, all),

    async run(id: RunId): Promise<RunRow | undefined> {
      const [row] = await calls.query(sql.run, [id]);
      return row && rowFrom(row[0], row[1]);
    },

    async template({ namespace, name, version }: TemplateRef): Promise<TemplateRow | undefined> {
      const [row] =
        version === ""
          ? await calls.query(sql.newest, [namespace, name])
          : await calls.query(sql.template, [namespace, name, version]);
      return row && templateFrom(row[0]);
    },

    templates: (filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number) =>
      templatePage(calls, filter, after, pageSize),

    ...textReads(calls, sql),

    async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
      const rows = await calls.query(sql.log, [taskId, afterSeq + 1, limits.logRows, maxBytes]);
      const firstSeq = Number(rows[0]?.[0] ?? afterSeq + 1);
      const entries = rows.flatMap(([, packed]) => JSON.parse(String(packed)) as LogEntry[]);
      return { firstSeq: afterSeq + 1, entries: entries.slice(afterSeq + 1 - firstSeq) };
    },

    ...ofNoTask(calls),

    async logBounds(taskId: TaskId): Promise<{ earliest: number; last: number } | undefined> {
      const [row] = await calls.query(sql.logBounds, [taskId]);
      return row && { earliest: Number(row[1] ?? 1), last: Number(row[0]) - 1 };
    },
  };
}

/** Reads of tables that have a namespace of their own. */
function ofNoTask(calls: Calls): Pick<Reads, "deadLetters" | "usage"> {
  return {
    deadLetters: deadLetterReads(calls),
    usage: (filter, most) => readUsage(calls, filter, most),
  };
}

/** Reads the held Runs page by page. @param read a page behind a node and an id */
async function countHeld(
  scope: PauseScope,
  read: (after: readonly unknown[]) => Promise<readonly Cells[]>,
): Promise<number> {
  let count = 0;
  for (let last: Cells | undefined = ["", ""]; last; ) {
    const page: readonly Cells[] = await read(last.slice(0, 2));
    for (const [, , fixed, data, task] of page) {
      const { spec }: Pick<TaskRow, "spec"> = JSON.parse(String(task));
      if (covers(scope, { ...rowFrom<RunRow>(fixed, data), template: spec.template })) count += 1;
    }
    last = page.length < limits.heldPage ? undefined : page.at(-1);
  }
  return count;
}

function detailFrom(selected: Awaited<ReturnType<Calls["query"]>>): TaskDetail | undefined {
  let task: TaskRow | undefined;
  let input = "{}";
  const steps: (readonly [order: string, row: StepRow])[] = [];
  const runs: (readonly [order: string, row: RunRow])[] = [];
  for (const [what, a, b, order] of selected) {
    if (what === "task") task = rowFrom(a, b);
    else if (what === "input") input = String(a);
    else if (what === "step") steps.push([String(order), rowFrom(a, b)]);
    else runs.push([String(order), rowFrom(a, b)]);
  }
  return task && { task, input, steps: inOrder(steps), runs: inOrder(runs) };
}

function inOrder<Row>(rows: (readonly [order: string, row: Row])[]): readonly Row[] {
  return rows.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
