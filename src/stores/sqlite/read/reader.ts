import type { TaskId } from "#domain/id";
import { recordKey } from "#domain/task/journal";
import type { TemplateRef } from "#domain/template/template";
import { limits } from "#limits/index";
import type { FiguresPage } from "#ports/store";
import type { JournalBounds, LanePlace } from "#ports/store-reads";
import type { UsageSum } from "#ports/usage-sums";
import { type Driver, opened, type SqlRow, type Statement, textIn } from "../driver.js";
import { type FileOptions, openFile } from "../file/file.js";
import { DamagedRow } from "../rows/checksum.js";
import { log, runTable, stepTable, taskTable, templates, textTables } from "../rows/rows.js";
import { listed, type Prepared, prepareAll, reads, walks } from "../rows/statements.js";
import type {
  DeadLetterCountReply,
  DeadLetterListReply,
  DeadLetterListRequest,
  DetailReply,
  DetailRequest,
  LastFailedRequest,
  LatelyReply,
  LatelyRequest,
  ListReply,
  ListRequest,
  LogReply,
  Pair,
  QueueReply,
  QueuesRequest,
  TemplateListReply,
  TemplateListRequest,
} from "../thread/requests.js";
import { DeadLetterRows } from "./dead-letter-rows.js";
import { nextSeqAfter } from "./log-ends.js";
import { storedPage } from "./stored-tasks.js";
import { listStatements } from "./task-list.js";
import { listTemplates } from "./template-list.js";
import { type UsageRequest, usageSumsIn } from "./usage-sums.js";

/** So many at most. */
interface Newest {
  readonly namespaces: readonly string[] | null;
  readonly most: number;
}

/** Which records of a journal. */
interface JournalRequest {
  readonly taskId: string;
  readonly stepName: string;
  readonly from: number;
  readonly most: JournalBounds;
}

/** The connection for clients' reads. Each method reads one snapshot and leaves no transaction open. */
export class Reader {
  readonly #db: Driver;
  readonly #sql: Prepared<typeof reads & typeof walks>;
  readonly #deadLetters: DeadLetterRows;
  /** The statements of lists, by their text; their number is bounded by the combinations of filters. */
  readonly #lists = new Map<string, Statement>();

  /** Opens the file. The writer must have opened and migrated it before. @param open how it is opened */
  constructor(options: FileOptions, open: (options: FileOptions) => Driver = openFile) {
    this.#db = open(options);
    this.#sql = opened(this.#db, () => prepareAll(this.#db, { ...reads, ...walks }));
    this.#deadLetters = new DeadLetterRows(this.#sql);
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

  /** Each as JSON of the Run and of its Task. */
  held(): readonly (readonly [run: string, task: string])[] {
    return this.#sql.heldOfTasks
      .all([])
      .map((row) => [runTable.textOf(row.slice(0, SEALED_CELLS)), taskTable.textOf(row.slice(SEALED_CELLS))]);
  }

  queues({ lanes, counted, first }: QueuesRequest): readonly QueueReply[] {
    return this.#atOnce(() =>
      lanes.map((lane) => ({
        waiting: this.countReady({ lanes: [lane], most: counted }),
        first: this.#sql.firstReady.all([lane, first]).map(([taskId]) => String(taskId)),
      })),
    );
  }

  /** Counts, not rows: what they are counted from is not verified. */
  lately({ from, since, rows }: LatelyRequest): LatelyReply {
    return this.#atOnce(() => ({
      created: this.#sql.createdLately.all([from, rows + 1]).map(([namespace]) => String(namespace)),
      ended: this.#sql.endedLately
        .all([since, rows + 1])
        .map(([namespace, state]): Pair => [String(namespace), String(state)]),
    }));
  }

  lastFailed({ namespaces, rows, most }: LastFailedRequest): string {
    const names = namespaces === null ? null : JSON.stringify(namespaces);
    const found = this.#sql.lastFailed.all([rows, names, most]);
    return `[${found.map(taskTable.textOf).join(",")}]`;
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

  deadLetter({ id, namespaces }: DetailRequest): string | null {
    return this.#deadLetters.get(id, namespaces);
  }

  deadLetters(request: DeadLetterListRequest): DeadLetterListReply {
    return this.#atOnce(() => this.#deadLetters.list(request));
  }

  pendingDeadLetters({ namespaces, most }: Newest): string {
    return this.#atOnce(() => this.#deadLetters.queue(namespaces, most));
  }

  deadLetterCounts({ namespaces, most }: Newest): DeadLetterCountReply {
    return this.#deadLetters.count(namespaces, most);
  }

  usage(request: UsageRequest): readonly UsageSum[] {
    return this.#atOnce(() => usageSumsIn(this.#sql, request));
  }

  input(id: string): string | null {
    const [row] = this.#sql.input.all([id]);
    return row ? String(textTables.inputs.open(row)[1]) : null;
  }

  stepInput({ taskId, stepName }: { readonly taskId: string; readonly stepName: string }): string | null {
    const [row] = this.#sql.stepInput.all([taskId, stepName]);
    return row ? String(textTables.stepInputs.open(row)[2]) : null;
  }

  output({ taskId, stepName }: { readonly taskId: string; readonly stepName: string }): string | null {
    const [row] = this.#sql.output.all([taskId, stepName]);
    return row ? String(textTables.outputs.open(row)[2]) : null;
  }

  stepActions({ taskId, stepName }: { readonly taskId: string; readonly stepName: string }): string | null {
    const [row] = this.#sql.stepActions.all([taskId, stepName]);
    return row ? String(textTables.stepActions.open(row)[2]) : null;
  }

  journal({ taskId, stepName, from, most }: JournalRequest): readonly string[] {
    return this.#atOnce(() => {
      const key = { taskId: taskId as TaskId, stepName };
      const [first, last] = [recordKey(key, from).stepName, recordKey(key, limits.journalRecords).stepName];
      let end: string | undefined;
      let bytes = 0;
      for (const [place, size] of this.#sql.journalRows.all([taskId, first, last, most.records])) {
        if (end !== undefined && bytes >= most.bytes) break;
        end = textIn(place);
        bytes += Number(size);
      }
      if (end === undefined) return [];
      return this.#sql.journal
        .all([taskId, first, end])
        .map((row) => String(textTables.journal.open(row)[2]));
    });
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

  storedTasks({ after, limit }: { readonly after: TaskId | undefined; readonly limit: number }): FiguresPage {
    return storedPage(this.#sql.storedTasks, after, limit);
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

/** How many cells `Table.sealed` selects. */
const SEALED_CELLS = 4;
