import { Fault } from "#domain/fault";
import { invariant } from "#domain/invariant";
import { NEVER } from "#domain/time";
import type { Driver, Statement } from "./driver.js";
import { isFull } from "./failure.js";
import { type FileOptions, lockFile, migrate, openFile, PAGE_BYTES } from "./file.js";
import { load } from "./load.js";
import type { BootReply, CommitRequest, LoadReply, LoadRequest, RowChanges } from "./requests.js";
import { Reserve } from "./reserve.js";
import { runTable, stepTable, taskTable } from "./rows.js";
import { boots, listed, loads, type Prepared, prepareAll, writes } from "./statements.js";

/** A checkpoint after about this many pages, SQLite's own default: a start has little to read again. */
const CHECKPOINT_PAGES = 1_000;
/** A commit of a few rows writes about this many pages. */
const COMMIT_PAGES = 8;
/** Rows to each further page: more when they are new and lie together, fewer when they are spread. */
const ROWS_PER_PAGE = 2;
/** A log longer than this waits for the moment without a read that lets it begin anew: it cannot grow for ever. */
const WAL_PAGES_MAX = 16 * CHECKPOINT_PAGES;

/** The one connection that writes, and that loads what turns ask for. Every method runs to its end at once. */
export class Writer {
  readonly #db: Driver;
  readonly #release: () => void;
  readonly #reserve: Reserve;
  readonly #sql: Prepared<typeof loads & typeof boots & typeof writes>;
  #pagesWritten = 0;

  /** @throws {Fault} if another server has the file, or if it is of a later release. */
  constructor(options: FileOptions) {
    this.#release = lockFile(options);
    try {
      this.#db = openFile(options);
      migrate(this.#db, options.path);
      this.#sql = prepareAll(this.#db, { ...loads, ...boots, ...writes });
      this.#reserve = new Reserve(this.#db, options);
    } catch (error) {
      this.#release();
      throw error;
    }
    this.#reserve.take();
  }

  boot(): BootReply {
    return {
      at: Number(this.#sql.at.all([])[0]?.[0]),
      lanes: listed(this.#sql.lanes, []),
      held: listed(this.#sql.held, []),
      waiting: listed(this.#sql.waiting, []),
      templates: listed(this.#sql.templateCounts, []),
      nextDueAt: this.nextDueAt(),
    };
  }

  load(needs: LoadRequest): LoadReply {
    return load(this.#sql, needs);
  }

  /** Answers where each Task's new log entries begin. */
  commit(turn: CommitRequest): readonly number[] {
    const { bringsWork } = turn;
    if (bringsWork && !this.#reserve.take()) {
      throw new Fault(
        "disk_full",
        "no room for anything new: nothing was stored; free some space and send it again",
      );
    }
    return this.#withReserve(!bringsWork, () => this.#write(turn));
  }

  ready({ lane, limit }: { readonly lane: string; readonly limit: number }): string {
    return listed(this.#sql.ready, [lane, limit]);
  }

  due({ at, limit }: { readonly at: number; readonly limit: number }): string {
    return listed(this.#sql.due, [at, limit]);
  }

  nextDueAt(): number | null {
    const [row] = this.#sql.nextDue.all([]);
    return row ? Number(row[0]) : null;
  }

  removeFinished({ before, limit }: { readonly before: number; readonly limit: number }): readonly string[] {
    const remove = () => {
      const ids = this.#sql.finished.all([before, limit]).map(([id]) => String(id));
      for (const id of ids) this.#sql.removeTask.run([id]);
      this.#pagesWritten += COMMIT_PAGES * ids.length;
      return ids;
    };
    return this.#withReserve(true, remove);
  }

  /** What can wait until the answer is out: moves what was committed from the log into the tables. */
  settle(): void {
    if (this.#pagesWritten < CHECKPOINT_PAGES) return;

    this.#pagesWritten = 0;
    const [, pages] = this.#checkpoint("PASSIVE");
    if (pages > WAL_PAGES_MAX) this.#checkpoint("RESTART");
  }

  close(): void {
    this.#checkpoint("TRUNCATE");
    this.#db.close();
    this.#release();
  }

  /** A full disk postpones a checkpoint; any other failure of one is for the caller. */
  #checkpoint(mode: "PASSIVE" | "RESTART" | "TRUNCATE"): readonly [busy: number, pages: number] {
    try {
      const [row = []] = this.#db.prepare(`PRAGMA wal_checkpoint(${mode})`).all([]);
      return [Number(row[0]), Number(row[1])];
    } catch (error) {
      if (!isFull(error)) throw error;
      return [1, 0];
    }
  }

  /** All of `work` or nothing; on a full disk once more with the reserve, where it may be used. */
  #withReserve<T>(mayUse: boolean, work: () => T): T {
    try {
      return this.#atomically(work);
    } catch (error) {
      if (!isFull(error) || !mayUse || !this.#reserve.giveUp()) throw error;
      return this.#atomically(work);
    }
  }

  #atomically<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** SQLite has already rolled back after some errors, and then says there is nothing to roll back. */
  #rollBack(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {}
  }

  #write(turn: CommitRequest): readonly number[] {
    const { tasks, steps, runs, at } = turn;
    const sql = this.#sql;
    writeRows(taskTable, sql.insertTask, sql.updateTask, tasks);
    writeRows(stepTable, sql.insertStep, sql.updateStep, steps);
    writeRows(runTable, sql.insertRun, sql.updateRun, runs);
    for (const values of turn.inputs) sql.putInput.run(values);
    for (const values of turn.outputs) sql.putOutput.run(values);
    for (const values of turn.stepInputs) sql.putStepInput.run(values);
    for (const values of turn.templates) {
      if (sql.addTemplate.run(values) > 0) continue;
      const [namespace, name, version] = values;
      throw new Fault("conflict", `template ${namespace}/${name}@${version} is there; load it again`);
    }
    const firstSeqs = turn.log.map((added) => this.#appendLog(added));
    for (const values of turn.deadlines) {
      if (values[3] === NEVER) sql.removeDeadline.run(values.slice(0, 3));
      else sql.putDeadline.run(values);
    }
    for (const key of turn.lanesRemoved) sql.removeLane.run([key]);
    for (const values of turn.lanes) sql.addLane.run(values);
    sql.setTime.run([at]);

    this.#pagesWritten += pagesOf(turn);
    return firstSeqs;
  }

  /** Answers with the seq of the first of the new lines, were there any. */
  #appendLog({ taskId, packed }: CommitRequest["log"][number]): number {
    const sql = this.#sql;
    const rows = packed.map(([count, entries]) => sql.appendLog.get([taskId, count, entries]));
    const row = packed.length === 0 ? sql.nextSeq.get([taskId]) : rows[0];
    invariant(row, `no task ${taskId}`);
    return Number(row[0]);
  }
}

/**
 * Updates come first: one may let go of the idempotency key that an insert takes.
 *
 * @throws {Fault} `conflict` if a row to insert is there, or one to update is not of the revision before.
 */
function writeRows(
  table: Pick<typeof taskTable, "nameInserted" | "nameUpdated">,
  insert: Statement,
  update: Statement,
  { inserts, updates }: RowChanges,
): void {
  for (const values of updates) {
    if (update.run(values) > 0) continue;
    throw new Fault("conflict", `${table.nameUpdated(values)} has moved; load it again`);
  }
  for (const values of inserts) {
    if (insert.run(values) > 0) continue;
    throw new Fault(
      "conflict",
      `${table.nameInserted(values)} is there, or its idempotency key; load it again`,
    );
  }
}

/** About as many as the commit adds to the write-ahead log. */
function pagesOf({ tasks, steps, runs, ...turn }: CommitRequest): number {
  const changes = [tasks, steps, runs].flatMap(({ inserts, updates }) => [inserts, updates]);
  const rows = changes.reduce((sum, { length }) => sum + length, 0);
  const texts = [turn.inputs, turn.outputs, turn.stepInputs, turn.log.flatMap(({ packed }) => packed)]
    .flat()
    .map((values) => values.at(-1));
  const wide = [...texts, ...turn.templates.flat()];
  const bytes = wide.reduce<number>((sum, text) => sum + String(text).length, 0);
  return COMMIT_PAGES + Math.ceil(rows / ROWS_PER_PAGE) + Math.ceil(bytes / PAGE_BYTES);
}
