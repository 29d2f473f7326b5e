import type { TaskId } from "#domain/id";
import { type Pause, pauseKey } from "#domain/pause/pause";
import type { Revisioned, RowKindName, RowOf } from "#domain/row-kinds";
import { rowKind } from "#domain/row-kinds";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { Deadline, DeadlineKind } from "#domain/task/deadline";
import { type Lane, storedLane } from "#domain/task/lane";
import type { RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import { type TaskRow, taskStatus } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { instant } from "#domain/time/time";
import type { AgentRow } from "#domain/worker/agent";
import type { WorkerRow } from "#domain/worker/worker-row";
import type { PauseChanges } from "#ports/store-turns";
import type { Cell, Cells } from "../connect/connection.js";

/** The columns of one row, as `commit_2` takes them. */
export type Columns = Readonly<Record<string, unknown>>;

/** How rows of one kind are written and read. */
export interface Table<Row> {
  /** The columns that identify a row, and those of {@link changed} and {@link made}. */
  readonly keys: readonly string[];
  /** For a row's first revision. */
  made(row: Row): Columns;
  /** For a later one. */
  changed(row: Row): Columns;
}

const tasks: Table<TaskRow> = {
  keys: ["id"],
  made(row) {
    const { id, namespace, spec } = row;
    return {
      ...this.changed(row),
      namespace,
      agent_name: spec.agentName,
      labels: Object.entries(spec.labels).map(labelText),
      fixed: JSON.stringify({ id, namespace, spec }),
    };
  },
  changed(row) {
    const { id, namespace: _, spec, ...data } = row;
    return {
      id,
      revision: row.revision,
      status: taskStatus(row),
      ended: endOf("tasks", row),
      finished_at: row.finishedAt,
      key: row.ownsKey && spec.idempotencyKey !== "" ? keyText(spec.idempotencyKey) : null,
      data: JSON.stringify(data),
    };
  },
};

const steps: Table<StepRow> = {
  keys: ["task_id", "name"],
  made(row) {
    const { taskId, name, spec } = row;
    return { ...this.changed(row), fixed: JSON.stringify({ taskId, name, spec }) };
  },
  changed(row) {
    const { taskId, name, spec: _, ...data } = row;
    return {
      task_id: taskId,
      name,
      revision: row.revision,
      ended: hasEnded(row.state),
      lane: row.state === "enqueued" ? row.lane : null,
      rank: row.rank,
      data: JSON.stringify(data),
    };
  },
};

const runs: Table<RunRow> = {
  keys: ["id"],
  made(row) {
    const { id, taskId, stepName } = row;
    return { ...this.changed(row), task_id: taskId, fixed: JSON.stringify({ id, taskId, stepName }) };
  },
  changed(row) {
    const { id, taskId: _task, stepName: _step, ...data } = row;
    return {
      id,
      revision: row.revision,
      ended: endOf("runs", row),
      held: row.heldBy !== "",
      node: row.node ?? "",
      held_by: row.heldBy,
      data: JSON.stringify(data),
    };
  },
};

const workers: Table<WorkerRow> = {
  keys: ["key"],
  made(row) {
    return this.changed(row);
  },
  changed(row) {
    const { key, revision, node, session } = row;
    const connected = session.state !== "detached" && session.state !== "gone";
    return { key, revision, node, session: session.id, connected, data: JSON.stringify(row) };
  },
};

const deadLetters: Table<DeadLetterRow> = {
  keys: ["task_id"],
  made(row) {
    return { ...this.changed(row), namespace: row.namespace };
  },
  changed(row) {
    const { taskId, revision, reason, status, rank, createdAt, closedAt } = row;
    const columns = { revision, reason, status, rank, created_at: createdAt, closed_at: closedAt };
    return { task_id: taskId, ...columns, data: JSON.stringify(row) };
  },
};

const tables: { readonly [Name in RowKindName]: Table<RowOf<Name>> } = {
  tasks,
  steps,
  runs,
  deadLetters,
  workers,
};

/** The name of the table of a kind: `deadLetters` → `dead_letters`. */
export function tableName(name: RowKindName): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The table of a kind, typed for code that handles every kind alike. */
export function rowTable(name: RowKindName): Table<Revisioned> {
  return tables[name] as unknown as Table<Revisioned>;
}

/** Decodes a row of any kind from its columns `fixed` and `data`. */
export function rowFrom<Row>(fixed: Cell | undefined, data: Cell | undefined): Row {
  return { ...JSON.parse(String(fixed)), ...JSON.parse(String(data)) };
}

function endOf(name: RowKindName, row: Revisioned): string | null {
  return rowKind(name).endOf?.(row) ?? null;
}

/** An idempotency key as the database has it: quoted, because a text there cannot have the character 0. */
export function keyText(key: string): string {
  return JSON.stringify(key);
}

/** A label as an element of the column `labels`. */
export function labelText(label: readonly [name: string, value: string]): string {
  return JSON.stringify(label);
}

export function deadlineFrom([taskId, stepName, kind, at]: Cells): Deadline {
  return {
    taskId: taskId as TaskId,
    stepName: String(stepName),
    kind: kind as DeadlineKind,
    at: instant(Number(at)),
  };
}

export function laneColumns({ key, namespace, agentName, selector }: Lane): Columns {
  return { key, namespace, agent_name: agentName, selector: JSON.stringify(selector) };
}

export function laneFrom([key, namespace, agentName, selector]: Cells): Lane {
  return storedLane({
    key: String(key),
    namespace: String(namespace),
    agentName: String(agentName),
    selector: JSON.parse(String(selector)),
  });
}

export function templateColumns(row: TemplateRow): Columns {
  const { namespace, name, version, body, source } = row;
  const bytes = Buffer.byteLength(JSON.stringify(body)) + Buffer.byteLength(source);
  return { namespace, name, version, version_key: versionKey(version), bytes, data: JSON.stringify(row) };
}

export function deadLetterFrom(data: Cell | undefined): DeadLetterRow {
  return JSON.parse(String(data));
}

export function templateFrom(data: Cell | undefined): TemplateRow {
  return JSON.parse(String(data));
}

export function agentColumns(row: AgentRow): Columns {
  return { namespace: row.namespace, name: row.name, data: JSON.stringify(row) };
}

export function agentFrom(data: Cell | undefined): AgentRow {
  return JSON.parse(String(data));
}

export function pauseColumns(change: PauseChanges[number]): Columns {
  if (change.type === "remove")
    return { key: pauseKey(change.scope), until: change.until ?? null, data: null };
  const { pause } = change;
  return { key: pauseKey(pause.scope), until: pause.until, data: JSON.stringify(pause) };
}

export function pauseFrom(data: Cell | undefined): Pause {
  return JSON.parse(String(data));
}
