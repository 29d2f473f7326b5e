import { Conflict, rowsMoved } from "#domain/conflict";
import { invariant } from "#domain/invariant";
import { type LocalKindName, localKindNames, textKindNames } from "#domain/row-kinds";
import { addUsage } from "#domain/task/usage";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditAppend } from "#ports/audit";
import { OTHER, type UsageSum } from "#ports/usage-sums";
import { linked } from "../../shared/audit-chain.js";
import type { SqlRow, SqlValue, Statement } from "../driver.js";
import { digested } from "../file/head.js";
import { LogEnds, nextSeqAfter } from "../read/log-ends.js";
import type { CommitRequest, PackedChanges } from "../thread/requests.js";
import { checksum, type SealedTable } from "./checksum.js";
import { enrolment } from "./enrolment.js";
import { type Layouts, layoutTable, layoutValues } from "./layouts.js";
import { outputDays } from "./output-days.js";
import {
  agents,
  apiKeys,
  audit,
  auditFrom,
  deadlines,
  lanes,
  log,
  pauses,
  rowTable,
  templates,
  textTables,
} from "./rows.js";
import type { Prepared, writes } from "./statements.js";
import type { Table } from "./table.js";
import { usageFrom, usageSums, usageValues } from "./usage-sums.js";

/** Thrown within a transaction that cannot be written because a row has moved; `conflict` says which, once it is rolled back. */
export class Refused extends Error {}

/** Writes the rows of a transaction, each with its checksum, and updates the digest over all of them. */
export class Changes {
  readonly #sql: Prepared<typeof writes>;
  readonly #logEnds = new LogEnds();
  readonly #layouts: Layouts;
  /** True once the layouts of this release are in the file. */
  #knowsLayouts = false;
  #digest: number;

  /** @param layouts those in the file */
  constructor(sql: Prepared<typeof writes>, layouts: Layouts, digest: number) {
    this.#sql = sql;
    this.#layouts = layouts;
    this.#digest = digest;
  }

  /** The digest over all commits, including what was written since the last one. */
  get digest(): number {
    return this.#digest;
  }

  /** Call after a roll-back. */
  takeBack(digest: number): void {
    this.#digest = digest;
    this.#knowsLayouts = false;
    this.#logEnds.clear();
  }

  /** Removes Tasks with everything that belongs to them. */
  remove(ids: readonly string[]): void {
    for (const id of ids) {
      this.#sql.removeTask.run([id]);
      this.#digestKey(id);
    }
    this.#logEnds.forget(ids);
  }

  /**
   * Writes a turn. Returns where each Task's new log entries begin.
   *
   * @throws {Refused} if a row has moved
   * @throws {Conflict} if a template is there
   */
  write(turn: CommitRequest): readonly number[] {
    const sql = this.#sql;
    if (!this.#knowsLayouts) this.#writeLayouts();
    if (turn.read.length > 0) this.#expectUnmoved(turn);
    for (const name of localKindNames) {
      const isWritten = this.#writeRows(
        rowTable(name),
        sql[`insert ${name}`],
        sql[`update ${name}`],
        turn[name],
      );
      if (!isWritten) throw new Refused();
    }
    this.#logEnds.begin(turn.tasks.inserts);
    for (const name of textKindNames) {
      for (const values of turn[name]) this.#put(sql[`put ${name}`], textTables[name], values);
    }
    for (const [from, to] of turn.copies) this.#copyResult(from, to);
    for (const values of turn.templates) {
      if (this.#put(sql.addTemplate, templates, values) > 0) continue;
      const [namespace, name, version] = values;
      throw new Conflict(`template ${namespace}/${name}@${version} is there; load it again`);
    }
    const firstSeqs = turn.log.map((added) => this.#appendLog(added));
    for (const values of turn.deadlines) {
      if (values[3] === NEVER) this.#removeDeadline(values.slice(0, 3));
      else this.#put(sql.putDeadline, deadlines, values);
    }
    for (const key of turn.lanesRemoved) {
      sql.removeLane.run([key]);
      this.#digestKey(key);
    }
    for (const values of turn.lanes) this.#put(sql.addLane, lanes, values);
    for (const key of turn.agentsForgotten) {
      sql.forgetAgent.run(key);
      this.#digestKey(key.join("\n"));
    }
    for (const values of turn.agents) this.#put(sql.putAgent, agents, values);
    for (const values of turn.pauses ?? []) this.#changePause(values);
    for (const sum of turn.used ?? []) this.#addUsage(sum);
    if (turn.audit) this.appendAudit(turn.audit);

    return firstSeqs;
  }

  #addUsage(sum: UsageSum): void {
    const { namespace, day, agentName, model } = sum;
    const [there] = this.#sql.usageSum.all([namespace, day, agentName, model]);
    if (!there) {
      const count = Number(this.#sql.countUsageSums.all([namespace, day])[0]?.[0]);
      if (count >= limits.usageSumsPerDay && agentName !== OTHER) {
        this.#addUsage({ ...sum, agentName: OTHER, model: OTHER });
        return;
      }
      if (count === 0) this.#removeUsage(namespace, day - limits.usageDays);
    }
    const used = there ? addUsage(usageFrom(there).used, sum.used) : sum.used;
    this.#put(this.#sql.putUsageSum, usageSums, usageValues({ ...sum, used }));
  }

  #removeUsage(namespace: string, through: number): void {
    if (this.#sql.removeUsageSums.run([namespace, through]) > 0) this.#digestKey(`${namespace}\n${through}`);
  }

  /** @param values without a JSON text: the pause is removed, if it is there and ends then */
  #changePause(values: SqlRow): void {
    if (values.length === pauses.names.length) this.#put(this.#sql.putPause, pauses, values);
    else {
      this.#sql.removePause.run(values);
      this.#digestKey(values.join("\n"));
    }
  }

  /** Appends to the audit log, behind the last entry of the chain. */
  appendAudit(append: AuditAppend): void {
    const { chain } = append;
    const [last] = this.#sql.lastOfAudit.all([chain]);
    for (const { seq, at, prev, hash, text } of linked(append, last && auditFrom(last))) {
      this.#put(this.#sql.appendAudit, audit, [chain, seq, at, prev, hash, text]);
    }
  }

  /** Removes the oldest entries of a chain. */
  removeAudit(chain: string, first: number, through: number): number {
    this.#digestKey(`${chain}\n${through}`);
    return this.#sql.removeAudit.run([chain, first, through]);
  }

  putApiKey(values: SqlRow): void {
    this.#put(this.#sql.putApiKey, apiKeys, values);
  }

  removeApiKey(id: string): void {
    this.#sql.removeApiKey.run([id]);
    this.#digestKey(id);
  }

  putEnrolment(rows: readonly SqlRow[]): void {
    for (const values of rows) this.#put(this.#sql.putEnrolment, enrolment, values);
  }

  /** @param keys kind and id of each */
  removeEnrolment(keys: readonly SqlRow[]): void {
    for (const key of keys) {
      this.#sql.removeEnrolment.run(key);
      this.#digestKey(key.join("\n"));
    }
  }

  putOutputDay(values: SqlRow): void {
    this.#put(this.#sql.putOutputDay, outputDays, values);
  }

  removeOutputDay(day: number): void {
    this.#sql.removeOutputDay.run([day]);
    this.#digestKey(String(day));
  }

  /** In the transaction of the first rows that need them. */
  #writeLayouts(): void {
    for (const name of localKindNames) {
      const { layout } = rowTable(name);
      if (!this.#layouts.has(layout)) this.#put(this.#sql.addLayout, layoutTable, layoutValues(layout));
    }
    this.#knowsLayouts = true;
  }

  /** One at a time: all of them together need not fit into memory. */
  #copyResult(from: SqlRow, to: SqlRow): void {
    const { outputs } = textTables;
    const [row] = this.#sql.result.all(from);
    if (!row) throw new Conflict("a result to copy is gone; load it again");
    this.#put(this.#sql["put outputs"], outputs, [...to, outputs.open(row).at(-1) ?? ""]);
  }

  /** Appends log entries of a Task. Returns the seq of the first one. */
  #appendLog({ taskId, packed }: CommitRequest["log"][number]): number {
    const first = this.#logEnds.nextSeq(taskId) ?? this.#nextSeq(taskId);
    let next = first;
    for (const [count, entries] of packed) {
      this.#put(this.#sql.appendLog, log, [taskId, next, count, entries]);
      next += count;
    }
    this.#logEnds.moveTo(taskId, next);
    return first;
  }

  /** The seq that the Task's next log entry gets, read from the log. */
  #nextSeq(taskId: string): number {
    const [last] = this.#sql.lastOfLog.all([taskId]);
    if (last) return nextSeqAfter(log.open(last));
    invariant(this.#sql.hasTask.all([taskId]).length > 0, `no task ${taskId}`);
    return 1;
  }

  #put(statement: Statement, table: SealedTable, values: SqlRow): number {
    const sealed = table.seal(values);
    this.#digestSum(sealed.at(-1));
    return statement.run(sealed);
  }

  #removeDeadline(key: SqlRow): void {
    this.#sql.removeDeadline.run(key);
    this.#digestKey(key.join("\n"));
  }

  #digestSum(sum: SqlValue | undefined): void {
    this.#digest = digested(this.#digest, Number(sum));
  }

  #digestKey(removed: string): void {
    this.#digestSum(checksum(removed, 0));
  }

  /**
   * Writes rows. Updates come before inserts: an update may release the idempotency key that an insert takes. Returns
   * false if a row to insert exists, or if the stored revision of a row to update is not the previous one.
   */
  #writeRows<Row>(table: Table<Row>, insert: Statement, update: Statement, rows: PackedChanges): boolean {
    for (const values of rows.updates) {
      const sealed = table.sealUpdated(values);
      this.#digestSum(sealed.at(-1));
      if (update.run(sealed) === 0) return false;
    }
    for (const values of rows.inserts) {
      const sealed = table.sealInserted(values);
      this.#digestSum(sealed.at(-2));
      this.#digestSum(sealed.at(-1));
      if (insert.run(sealed) === 0) return false;
    }
    return true;
  }

  #expectUnmoved(turn: CommitRequest): void {
    for (const { kind, key, revision } of turn.read) {
      if (this.#revisionOf(kind, key) !== revision) throw new Refused();
    }
  }

  /** The refusal of a commit that was rolled back. */
  conflict(turn: CommitRequest): Conflict {
    const expected = [...turn.read];
    for (const kind of localKindNames) {
      const { keyInserted, keyUpdated } = rowTable(kind);
      for (const values of turn[kind].updates) {
        expected.push({ kind, key: keyUpdated(values), revision: Number(values.at(-1)) });
      }
      for (const values of turn[kind].inserts) {
        expected.push({ kind, key: keyInserted(values), revision: 0 });
      }
    }
    const found = expected.map(({ kind, key, revision }) => {
      return { kind, id: key.join("/"), revision, found: this.#revisionOf(kind, key) };
    });
    const moved = found.filter(({ revision, found }) => revision !== found);
    if (moved.length > 0) return rowsMoved(moved);
    return new Conflict("an idempotency key of a new Task is taken; load it again");
  }

  /** 0 if no such row is stored. */
  #revisionOf(kind: LocalKindName, key: SqlRow): number {
    return Number(this.#sql[`revision ${kind}`].all(key)[0]?.[0] ?? 0);
  }
}
