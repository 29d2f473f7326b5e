import type { TemplateRef } from "#domain/template/template";
import { limits } from "#limits/index";
import type { LanePlace } from "#ports/store-reads";
import {
  bytesOf,
  type Driver,
  opened,
  type SqlRow,
  type SqlValue,
  type Statement,
  textIn,
} from "../driver.js";
import { type FileOptions, openFile } from "../file/file.js";
import { DamagedRow } from "../rows/checksum.js";
import { log, runTable, stepTable, taskTable, templates, textTables } from "../rows/rows.js";
import { listed, type Prepared, prepareAll, reads, walks } from "../rows/statements.js";
import type {
  DetailReply,
  DetailRequest,
  ListReply,
  ListRequest,
  LogReply,
  TemplateListReply,
  TemplateListRequest,
} from "../thread/requests.js";
import { nextSeqAfter } from "./log-ends.js";
import { listTemplates } from "./template-list.js";

/** The connection for clients' reads. Each method reads one snapshot and leaves no transaction open. */
export class Reader {
  readonly #db: Driver;
  readonly #sql: Prepared<typeof reads & typeof walks>;
  /** The statements of lists, by their text; their number is bounded by the combinations of filters. */
  readonly #lists = new Map<string, Statement>();

  /** Opens the file. The writer must have opened and migrated it before. */
  constructor(options: FileOptions) {
    this.#db = openFile(options);
    this.#sql = opened(this.#db, () => prepareAll(this.#db, { ...reads, ...walks }));
  }

  task({ id, namespaces }: DetailRequest): DetailReply | null {
    return this.#atOnce(() => {
      const [task] =
        namespaces === null
          ? this.#sql.task.all([id])
          : this.#sql.taskWithin.all([id, JSON.stringify(namespaces)]);
      if (!task) return null;

      const [input] = this.#sql.input.all([id]);
      return {
        task: taskTable.textOf(task),
        input: input ? String(textTables.inputs.open(input)[1]) : "{}",
        steps: listed(stepTable, this.#sql.stepsOf, [id]),
        runs: listed(runTable, this.#sql.runsOf, [id]),
      };
    });
  }

  tasks(request: ListRequest): ListReply {
    const { page, last } = listStatements(request);
    return this.#atOnce(() => {
      const found = this.#list(page.sql).all(page.values);
      const shown = found.slice(0, request.pageSize);
      const tasks = `[${shown.map(([, ...task]) => taskTable.textOf(task)).join(",")}]`;
      const isCut = found.length > request.pageSize;
      const [end] = isCut ? shown.slice(-1) : this.#list(last.sql).all(last.values);
      if (!end) return { tasks, next: null };

      taskTable.textOf(end.slice(1));
      return { tasks, next: textIn(end[0]) };
    });
  }

  countReady({ lanes, most }: { readonly lanes: readonly string[]; readonly most: number }): number {
    return Number(this.#sql.countReady.all([JSON.stringify(lanes), most])[0]?.[0]);
  }

  countBefore({ lane, rank, taskId, stepName, most }: LanePlace & { readonly most: number }): number {
    return Number(this.#sql.countBefore.all([lane, rank, taskId, stepName, most])[0]?.[0]);
  }

  run(id: string): string | null {
    const [run] = this.#sql.run.all([id]);
    return run ? runTable.textOf(run) : null;
  }

  /** A template; its newest version if `version` is empty. */
  template({ namespace, name, version }: TemplateRef): SqlRow | null {
    const { templates: chosen, newestTemplates } = this.#sql;
    const [row] =
      version === ""
        ? newestTemplates.all([JSON.stringify([[namespace, name]])])
        : chosen.all([JSON.stringify([[namespace, name, version]])]);
    return row ? templates.open(row) : null;
  }

  templates(request: TemplateListRequest): TemplateListReply {
    return this.#atOnce(() => listTemplates(this.#sql, request));
  }

  input(id: string): string | null {
    const [row] = this.#sql.input.all([id]);
    return row ? String(textTables.inputs.open(row)[1]) : null;
  }

  output({ taskId, stepName }: { readonly taskId: string; readonly stepName: string }): string | null {
    const [row] = this.#sql.output.all([taskId, stepName]);
    return row ? String(textTables.outputs.open(row)[2]) : null;
  }

  log(request: { readonly taskId: string; readonly afterSeq: number; readonly maxBytes: number }): LogReply {
    const { taskId, afterSeq, maxBytes } = request;
    return this.#atOnce(() => {
      const rows = this.#sql.logRows.all([taskId, afterSeq + 1, limits.logRows]);
      const [first] = rows;
      if (!first) return { firstSeq: afterSeq + 1, rows: [] };

      let end = first;
      let bytes = 0;
      for (const row of rows) {
        if (bytes >= maxBytes && row !== first) break;
        end = row;
        bytes += Number(row[1]);
      }
      return this.#packedRows(taskId, Number(first[0]), Number(end[0]), afterSeq + 1);
    });
  }

  logBounds(taskId: string): readonly [earliest: number, last: number] | null {
    return this.#atOnce(() => {
      if (this.#sql.hasTask.all([taskId]).length === 0) return null;
      const [first] = this.#sql.firstOfLog.all([taskId]);
      const [last] = this.#sql.lastOfLog.all([taskId]);
      return first && last ? [Number(log.open(first)[1]), nextSeqAfter(log.open(last)) - 1] : [1, 0];
    });
  }

  checkpointIfDue(): void {}

  close(): void {
    this.#db.close();
  }

  /** @throws {DamagedRow} if a row is damaged or missing: lines are numbered without gaps */
  #packedRows(taskId: string, from: number, to: number, wanted: number): LogReply {
    const rows = this.#sql.logEntries.all([taskId, from, to]).map(log.open);
    let next = Math.min(from, wanted);
    for (const row of rows) {
      if (Number(row[1]) !== next) throw new DamagedRow("log", `${taskId}/${next}`, "is missing");
      next = nextSeqAfter(row);
    }
    return { firstSeq: from, rows: rows.map(([, , , entries = ""]) => entries) };
  }

  /** Runs several statements on one snapshot. */
  #atOnce<T>(read: () => T): T {
    this.#db.exec("BEGIN");
    try {
      return read();
    } finally {
      this.#db.exec("COMMIT");
    }
  }

  #list(sql: string): Statement {
    const statement = this.#lists.get(sql) ?? this.#db.prepare(sql);
    this.#lists.set(sql, statement);
    return statement;
  }
}

interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * Makes the statements for one page of Tasks, and for the last row that the page was allowed to scan. Rows are scanned
 * by id, newest first, and within one namespace if only one is wanted; all other conditions are checked for each row.
 */
export function listStatements(request: ListRequest): { readonly page: Query; readonly last: Query } {
  const { namespaces, from, below, pageSize, scannedRows } = request;
  const one = namespaces?.length === 1 ? namespaces[0] : undefined;
  const where = [
    ...(one === undefined ? [] : [{ sql: "namespace = ?", value: one }]),
    ...(from === null ? [] : [{ sql: "id >= ?", value: from }]),
    ...(below === null ? [] : [{ sql: "id < ?", value: below }]),
  ];
  const conditions = [
    ...(one !== undefined || namespaces === null ? [] : [isOneOf("namespace", namespaces)]),
    ...rowConditions(request),
  ];
  const order = "ORDER BY id DESC LIMIT";
  const values = where.map(({ value }) => value);

  return {
    page: {
      sql: `SELECT ${bytesOf("id")}, ${taskTable.sealed("")} FROM (SELECT * FROM tasks ${all(where)} ${order} ?) ${all(conditions)} LIMIT ?`,
      values: [...values, scannedRows, ...conditions.map(({ value }) => value), pageSize + 1],
    },
    last: {
      sql: `SELECT ${bytesOf("id")}, ${taskTable.sealed("")} FROM tasks ${all(where)} ${order} 1 OFFSET ?`,
      values: [...values, scannedRows - 1],
    },
  };
}

/** True if the Task has every wanted label. */
const CARRIES = `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
  SELECT 1 FROM json_each(spec, '$.labels') AS label
  WHERE label.key = wanted.value ->> 0 AND label.value = wanted.value ->> 1))`;

/** True if the JSON of the spec has every wanted text. */
const HAS_TEXTS = "NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT instr(spec, wanted.value))";

function rowConditions({ statusStates, states, agentName, labels, specTexts }: ListRequest) {
  return [
    ...(statusStates === null ? [] : [isOneOf("state || ' ' || has_run", statusStates)]),
    ...(states === null ? [] : [isOneOf("state", states)]),
    ...(agentName === null ? [] : [{ sql: "agent_name = ?", value: agentName }]),
    ...(labels.length === 0 ? [] : [{ sql: CARRIES, value: JSON.stringify(labels) }]),
    ...(specTexts.length === 0 ? [] : [{ sql: HAS_TEXTS, value: JSON.stringify(specTexts) }]),
  ];
}

function isOneOf(column: string, names: readonly string[]) {
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, value: JSON.stringify(names) };
}

function all(conditions: readonly { readonly sql: string }[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
}
