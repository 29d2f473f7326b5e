import type { KeyRow } from "#domain/access/key";
import type { AuditEntry } from "#domain/audit/record";
import type { TaskId } from "#domain/id";
import { type Pause, pauseKey } from "#domain/pause/pause";
import type { LocalKindName, Revisioned, RowOf, TextKindName } from "#domain/row-kinds";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { Deadline, DeadlineKind } from "#domain/task/deadline";
import { type Lane, storedLane } from "#domain/task/lane";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { instant } from "#domain/time/time";
import type { AgentRow } from "#domain/worker/agent";
import type { PauseChanges } from "#ports/store-turns";
import { entryOf } from "../../shared/audit-chain.js";
import type { SqlCells, SqlRow } from "../driver.js";
import { type SealedTable, sealedTable } from "./checksum.js";
import { fixed, fixedJson, flag, json, optional, packed, plain } from "./codec.js";
import { type Table, table } from "./table.js";

/** The table of Tasks. Fields that SQL searches for have their own columns; the log is not part of the revision. */
export const taskTable = table<TaskRow>(
  "tasks",
  ["id"],
  {
    id: fixed,
    namespace: fixed,
    revision: plain,
    state: plain,
    spec: { ...fixedJson, formerly: { undoes: "isCompensable" } },
    counts: json,
    hasRun: flag,
    finishedAt: plain,
    ownsKey: { ...flag, column: "holds_key" },
    createdAt: packed,
    reason: packed,
    errorMessage: packed,
    tolerated: packed,
    isolated: packed,
    opened: packed,
    compensatedBy: packed,
    compensableBelow: { ...packed, missing: false },
    hasDeadLetter: { ...packed, missing: false },
    inputBytes: packed,
    holds: optional,
    signals: optional,
    budget: optional,
    heldTime: optional,
    usage: optional,
    lateUsage: optional,
  },
  { agentName: ({ spec }) => spec.agentName, idempotencyKey: ({ spec }) => spec.idempotencyKey },
);

export const stepTable = table<StepRow>("steps", ["taskId", "name"], {
  taskId: fixed,
  name: fixed,
  revision: plain,
  state: plain,
  spec: { ...fixedJson, formerly: { undo: "compensation", undoes: "compensates" } },
  dependsOn: json,
  dependants: json,
  unsatisfied: plain,
  lane: plain,
  rank: plain,
  agentName: packed,
  members: packed,
  fence: packed,
  attempts: packed,
  maxAttempts: packed,
  losses: { ...packed, missing: 0 },
  maxLosses: packed,
  declines: packed,
  avoidWorker: packed,
  avoidUntil: packed,
  nextAttemptAt: packed,
  runId: packed,
  outputBytes: packed,
  errorMessage: packed,
  inDoubt: { ...packed, missing: false },
  hasInput: packed,
  signalled: packed,
  childId: packed,
  startedAt: packed,
  finishedAt: packed,
  order: packed,
  inputBytes: packed,
  journal: optional,
  waits: optional,
  heldFor: optional,
});

/** Without the node: a file is one process's. */
export const runTable: Table<RunRow> = table<Omit<RunRow, "node">>(
  "runs",
  ["id"],
  {
    id: fixed,
    taskId: fixed,
    stepName: fixed,
    revision: plain,
    status: plain,
    heldBy: plain,
    namespace: packed,
    session: packed,
    principal: packed,
    workerId: packed,
    instance: packed,
    agentName: packed,
    fence: packed,
    attempt: packed,
    ordinal: packed,
    createdAt: packed,
    startedAt: packed,
    finishedAt: packed,
    reason: packed,
    errorMessage: packed,
    errorDetail: { ...packed, missing: "" },
    backend: packed,
    nextSeq: packed,
    outputBytes: packed,
    usage: optional,
    timedFor: optional,
  },
  {},
  ["task_id", "id"],
);

export const deadLetterTable = table<DeadLetterRow>("dead_letters", ["taskId"], {
  taskId: fixed,
  namespace: fixed,
  revision: plain,
  reason: plain,
  status: plain,
  rank: plain,
  createdAt: plain,
  closedAt: plain,
  notes: packed,
  resolvedBy: packed,
  snapshot: packed,
  redrivenAs: packed,
  earlier: packed,
});

/** The table of each kind of row. */
export const rowTables: { readonly [Name in LocalKindName]: Table<RowOf<Name>> } = {
  tasks: taskTable,
  steps: stepTable,
  runs: runTable,
  deadLetters: deadLetterTable,
};

/** Like {@link rowTables}, but typed for code that handles every kind alike. */
export function rowTable(name: LocalKindName): Table<Revisioned> {
  return rowTables[name] as Table<Revisioned>;
}

/** The table of each kind of text; the text comes after the key of its Task or Step. */
export const textTables: Readonly<Record<TextKindName, SealedTable>> = {
  inputs: sealedTable("inputs", 1, ["task_id", "json"]),
  stepInputs: sealedTable("step_inputs", 2, ["task_id", "step_name", "json"]),
  outputs: sealedTable("outputs", 2, ["task_id", "step_name", "json"]),
  stepActions: sealedTable("step_actions", 2, ["task_id", "step_name", "json"]),
  journal: sealedTable("journal", 2, ["task_id", "step_name", "json"]),
};

/** The packed lines of a Task's log. */
export const log = sealedTable("log", 2, ["task_id", "first_seq", "count", "entries"]);

export const deadlines = sealedTable("deadlines", 3, ["task_id", "step_name", "kind", "at"]);

/** Decodes a deadline selected by `deadlines.columns`. */
export function deadlineOf(selected: SqlCells): Deadline {
  const [taskId, stepName, kind, at] = deadlines.open(selected);
  return {
    taskId: taskId as TaskId,
    stepName: stepName as string,
    kind: kind as DeadlineKind,
    at: instant(Number(at)),
  };
}

/** The table of lanes. A lane is inserted and deleted, never updated. */
export const lanes = sealedTable("lanes", 1, ["key", "namespace", "agent_name", "selector"]);

export function laneValues({ key, namespace, agentName, selector }: Lane): SqlRow {
  return [key, namespace, agentName, JSON.stringify(selector)];
}

export function laneFrom(selected: SqlCells): Lane {
  const [key, namespace, agentName, selector] = lanes.open(selected);
  return storedLane({
    key: key as string,
    namespace: namespace as string,
    agentName: agentName as string,
    selector: JSON.parse(selector as string),
  });
}

/** The table of templates, which never change. The version is stored twice: as it is, and as a sortable key. */
export const templates = sealedTable("templates", 3, [
  "namespace",
  "name",
  "version",
  "version_key",
  "digest",
  "body",
  "source",
  "registered_at",
]);

export function templateValues(row: TemplateRow): SqlRow {
  const { namespace, name, version, digest, body, source, registeredAt } = row;
  return [namespace, name, version, versionKey(version), digest, JSON.stringify(body), source, registeredAt];
}

/** Decodes a template from verified values. */
export function templateFrom(values: SqlRow): TemplateRow {
  const [namespace, name, version, , digest, body, source, registeredAt] = values;
  return {
    namespace: String(namespace),
    name: String(name),
    version: String(version),
    digest: String(digest),
    body: JSON.parse(String(body)),
    source: String(source),
    registeredAt: instant(Number(registeredAt)),
  };
}

/** The table of announced agents. */
export const agents = sealedTable("agents", 2, [
  "namespace",
  "name",
  "digest",
  "seen_at",
  "description",
  "announced",
]);

export function agentValues({ namespace, name, description, announced, seenAt }: AgentRow): SqlRow {
  const { digest, ...rest } = announced;
  return [namespace, name, digest, seenAt, description, JSON.stringify(rest)];
}

export function agentFrom(selected: SqlCells): AgentRow {
  const [namespace = "", name = "", digest, seenAt, description = "", announced] = agents.open(selected);
  return {
    namespace,
    name,
    description,
    announced: { digest, ...JSON.parse(announced as string) },
    seenAt: instant(Number(seenAt)),
  };
}

/** The table of pauses. */
export const pauses = sealedTable("pauses", 1, ["key", "until", "json"]);

/** What {@link pauses} stores; the values after the key are missing of a pause that is removed, and the second is when it must end. */
export function pauseValues(change: PauseChanges[number]): SqlRow {
  if (change.type === "remove") return [pauseKey(change.scope), change.until ?? null];
  const { pause } = change;
  return [pauseKey(pause.scope), pause.until, JSON.stringify(pause)];
}

export function pauseFrom(selected: SqlCells): Pause {
  const [, , json] = pauses.open(selected);
  return JSON.parse(json as string);
}

/** The table of API keys. */
export const apiKeys = sealedTable("api_keys", 1, ["id", "revision", "json"]);

export function apiKeyValues({ id, revision, ...rest }: KeyRow): SqlRow {
  return [id, revision, JSON.stringify(rest)];
}

export function apiKeyFrom(selected: SqlCells): KeyRow {
  const [id = "", revision, json] = apiKeys.open(selected);
  return { id, revision: Number(revision), ...JSON.parse(json as string) };
}

/** The table of the audit log. */
export const audit = sealedTable("audit", 2, ["chain", "seq", "at", "prev", "hash", "record"]);

export function auditFrom(selected: SqlCells): AuditEntry {
  const [chain = "", seq, , prev = "", hash = "", text = ""] = audit.open(selected);
  return entryOf(chain, { seq: Number(seq), prev, hash, text });
}

/**
 * The table with the single row about the file itself: its permanent id, plane time and number of the last commit, and
 * a digest over all commits so far.
 */
export const plane = sealedTable("plane", 1, ["id", "store", "at", "commits", "digest"]);
