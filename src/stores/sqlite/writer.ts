import type { EnrolmentRow } from "#domain/access/enrolment";
import type { KeyRow } from "#domain/access/key";
import type { AuditEntry } from "#domain/audit/record";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { type Deadline, startsAmong } from "#domain/task/deadline";
import type { RetentionTerms } from "#domain/task/retention";
import type { AuditAppend, AuditHead, AuditPlace } from "#ports/audit";
import { ApiKeyRows } from "./api-keys.js";
import { COMMIT_PAGES, pagesOf } from "./commit-pages.js";
import { type Driver, opened, type SqlCells, type SqlRow, textIn } from "./driver.js";
import { type EnrolmentQuery, EnrolmentTable } from "./enrolment-table.js";
import { Checkpoints } from "./file/checkpoints.js";
import type { FileOptions } from "./file/file.js";
import { type OpenFile, openChecked } from "./file/open.js";
import { Reserve } from "./file/reserve.js";
import { FileWatch } from "./file/watch.js";
import { FinishedTasks } from "./finished.js";
import { AuditReads } from "./read/audit-log.js";
import { load } from "./read/load.js";
import { Changes, Refused } from "./rows/changes.js";
import { Layouts, layoutRows } from "./rows/layouts.js";
import { restorationFrom } from "./rows/restores.js";
import { agentFrom, deadlineOf, laneFrom, pauseFrom, runTable, stepTable } from "./rows/rows.js";
import { boots, listed, loads, type Prepared, prepareAll, writes } from "./rows/statements.js";
import type {
  AuditLatest,
  AuditPage,
  BootReply,
  CommitRequest,
  EnrolmentPut,
  KeysPut,
  LoadReply,
  LoadRequest,
  OutputPut,
} from "./thread/requests.js";
import { Transactions } from "./transactions.js";
import { UsageRows } from "./usage.js";

/** The only connection that writes; it also loads rows for turns. All methods are synchronous. */
export class Writer {
  readonly #file: OpenFile;
  readonly #db: Driver;
  readonly #reserve: Reserve;
  readonly #sql: Prepared<typeof loads & typeof boots & typeof writes>;
  readonly #watch: FileWatch;
  readonly #changes: Changes;
  readonly #transactions: Transactions;
  readonly #enrolment: EnrolmentTable;
  readonly #finished: FinishedTasks;
  readonly #keys: ApiKeyRows;
  readonly #audit: AuditReads;
  readonly #usage: UsageRows;
  readonly #checkpoints: Checkpoints;
  /** SQLite's counter of commits by other connections. */
  #dataVersion: unknown;

  /**
   * @param failed called with a failure of the store that occurs outside a call
   * @throws {Fault} if another server uses the file, if it is damaged, or if a later release has written it
   */
  constructor(options: FileOptions, failed: (error: unknown) => void) {
    this.#file = openChecked(options, failed);
    this.#db = this.#file.db;
    this.#sql = opened(this.#file, () => prepareAll(this.#db, { ...loads, ...boots, ...writes }));
    this.#enrolment = new EnrolmentTable(this.#sql);
    const layouts = new Layouts(opened(this.#file, () => layoutRows(this.#db)));
    this.#changes = new Changes(this.#sql, layouts, this.#file.head.digest);
    this.#finished = new FinishedTasks(this.#sql, layouts);
    this.#keys = new ApiKeyRows(this.#sql, this.#changes);
    this.#audit = new AuditReads(this.#sql);
    this.#usage = new UsageRows(this.#sql, this.#changes);
    this.#reserve = new Reserve(this.#db, options);
    const { setHead } = this.#sql;
    this.#transactions = new Transactions({
      ...{ file: this.#file, reserve: this.#reserve, changes: this.#changes, setHead },
    });
    this.#checkpoints = new Checkpoints(this.#db, this.#file.sums, () => this.#watch.note());
    this.#watch = opened(this.#file, () => {
      this.#reserve.take();
      this.#dataVersion = this.#readDataVersion();
      return new FileWatch(options.path, failed, () => this.#lookForOthers());
    });
    if (this.#file.isMigrated) this.#empty();
  }

  /** The layouts of rows of earlier releases. */
  layouts(): readonly SqlRow[] {
    return layoutRows(this.#db);
  }

  boot(): BootReply {
    return {
      at: this.#transactions.head.at,
      lanes: this.#sql.lanes.all([]).map(laneFrom),
      held: listed(runTable, this.#sql.held, []),
      waiting: this.#sql.waiting.all([]).map(countOf),
      templates: this.#sql.templateCounts.all([]).map(countOf),
      agents: this.#sql.agents.all([]).map(agentFrom),
      pauses: this.#sql.pauses.all([]).map(pauseFrom),
      nextDueAt: this.nextDueAt(),
      restored: this.#sql.lastRestore.all([]).map(restorationFrom)[0] ?? null,
    };
  }

  load(needs: LoadRequest): LoadReply {
    return load(this.#sql, needs);
  }

  /** Writes a turn in one transaction. Returns where each Task's new log entries begin. */
  commit(turn: CommitRequest): readonly number[] {
    const { bringsWork } = turn;
    if (bringsWork && !this.#reserve.take()) {
      throw new Fault(
        "disk_full",
        "no room for anything new: nothing was stored; free some space and send it again",
      );
    }
    try {
      return this.#transactions.withReserve(!bringsWork, turn.at, () => this.#write(turn));
    } catch (error) {
      throw error instanceof Refused ? this.#changes.conflict(turn) : error;
    }
  }

  /** As one JSON array, of the part of Steps that changes. */
  ready({ lane, limit }: { readonly lane: string; readonly limit: number }): string {
    return `[${this.#sql.ready.all([lane, limit]).map(stepTable.changingTextOf).join(",")}]`;
  }

  due({ at, limit }: { readonly at: number; readonly limit: number }): readonly Deadline[] {
    const others = this.#sql.due.all([at, limit]);
    const starts = this.#sql.dueStarts.all([at, startsAmong(limit, others.length)]);
    return [...others, ...starts].map(deadlineOf);
  }

  nextDueAt(): number | null {
    const [row] = this.#sql.nextDue.all([]);
    return row ? deadlineOf(row).at : null;
  }

  findFinished({
    terms,
    limit,
  }: {
    readonly terms: RetentionTerms;
    readonly limit: number;
  }): readonly TaskId[] {
    return this.#finished.find(terms, limit);
  }

  removeTasks(ids: readonly string[]): void {
    this.#own(() => this.#changes.remove(ids));
    this.#checkpoints.wrote(COMMIT_PAGES * ids.length);
  }

  apiKeys(): readonly KeyRow[] {
    return this.#keys.all();
  }

  /**
   * Writes API keys, and in the same transaction what the audit log says of it.
   *
   * @returns false if the revision of one does not follow the one that is there; then nothing is written
   */
  putApiKeys({ rows, audit }: KeysPut): boolean {
    if (!this.#keys.follow(rows)) return false;
    this.#small(() => {
      this.#keys.put(rows);
      if (audit) this.#changes.appendAudit(audit);
    });
    return true;
  }

  noteKeyUses(uses: readonly (readonly [string, number])[]): void {
    const used = this.#keys.used(uses);
    if (used.length > 0) this.#small(() => this.#keys.put(used));
  }

  removeEndedKeys({ before, limit }: { readonly before: number; readonly limit: number }): number {
    const ids = this.#keys.ended(before, limit);
    if (ids.length > 0) this.#small(() => this.#keys.remove(ids));
    return ids.length;
  }

  appendAudit(append: AuditAppend): void {
    this.#own(() => this.#changes.appendAudit(append));
    this.#checkpoints.wrote(COMMIT_PAGES + append.records.length);
  }

  auditEntries(page: AuditPage): readonly AuditEntry[] {
    return this.#audit.entries(page);
  }

  auditLatest(page: AuditLatest): readonly AuditEntry[] {
    return this.#audit.latest(page);
  }

  auditHeads({ after, limit }: { readonly after: string; readonly limit: number }): readonly AuditHead[] {
    return this.#audit.heads(after, limit);
  }

  removeAudit({ chain, seq, limit }: AuditPlace & { readonly limit: number }): number {
    const range = this.#audit.range(chain, seq, limit);
    if (!range) return 0;
    return this.#own(() => this.#changes.removeAudit(chain, ...range));
  }

  enrolment(query: EnrolmentQuery): readonly EnrolmentRow[] {
    return this.#enrolment.find(query);
  }

  /** Writes rows of enrolment, all or none. @returns false if a revision does not follow the one that is there */
  putEnrolment({ rows, audit }: EnrolmentPut): boolean {
    const changed = this.#enrolment.following(rows);
    if (changed && changed.length > 0) {
      this.#own(() => {
        this.#changes.putEnrolment(changed);
        if (audit) this.#changes.appendAudit(audit);
      });
    }
    this.#checkpoints.wrote(COMMIT_PAGES);
    return changed !== undefined;
  }

  /** @returns how many were removed */
  removeEndedEnrolment({ before, limit }: { readonly before: number; readonly limit: number }): number {
    const keys = this.#sql.endedEnrolment.all([before, limit]).map((row) => row.map((cell) => textIn(cell)));
    // An idle plane writes nothing.
    if (keys.length > 0) this.#own(() => this.#changes.removeEnrolment(keys));
    return keys.length;
  }

  /** Writes what a process has counted. @returns what all have of that day */
  putOutput(own: OutputPut): readonly (readonly [string, number])[] {
    if (this.#usage.changes(own)) this.#small(() => this.#usage.put(own));
    return this.#usage.all(own.day);
  }

  /** To be called after the answer has been sent: moves committed pages from the write-ahead log into the file. */
  checkpointIfDue(): void {
    this.#checkpoints.runIfDue();
  }

  close(): void {
    this.#watch.end();
    this.#checkpoints.run("TRUNCATE");
    this.#file.close();
  }

  /** Writes what is of no turn: the store's time is what it was. */
  #own<T>(work: () => T): T {
    return this.#transactions.withReserve(true, this.#transactions.head.at, work);
  }

  #small(change: () => void): void {
    this.#own(change);
    this.#checkpoints.wrote(COMMIT_PAGES);
  }

  /** Moves what a migration has written into the file at once. */
  #empty(): void {
    const close = () => {
      this.#watch.end();
      this.#file.close();
    };
    opened({ close }, () => this.#checkpoints.run("TRUNCATE"));
  }

  /**
   * @throws {Fault} reason `STORE_DAMAGED` if another program has committed, without incrementing the number of
   * commits
   */
  #lookForOthers(): void {
    const now = this.#readDataVersion();
    if (now === this.#dataVersion) return;
    this.#dataVersion = now;
    this.#file.sums.record();
  }

  #readDataVersion(): unknown {
    return this.#db.prepare("PRAGMA data_version").all([])[0]?.[0];
  }

  #write(turn: CommitRequest): readonly number[] {
    const firstSeqs = this.#changes.write(turn);
    this.#checkpoints.wrote(pagesOf(turn));
    return firstSeqs;
  }
}

function countOf([namespace, count]: SqlCells): readonly [string, number] {
  return [textIn(namespace), Number(count)];
}
