import type { StepSpec } from "#domain/graph/plan";
import type { RunId, SessionId, TaskId, WorkerId } from "#domain/id";
import { forKinds, rowKindNames, textKindNames } from "#domain/row-kinds";
import { type DeadLetterRow, type DeadLetterSnapshot, openedLetter } from "#domain/task/dead-letter";
import type { Deadline, DeadlineKind } from "#domain/task/deadline";
import { laneOf } from "#domain/task/lane";
import type { LogEntry } from "#domain/task/log";
import { DEFAULT_RETRY } from "#domain/task/retry";
import type { RunRow } from "#domain/task/run";
import { newTaskSpec } from "#domain/task/spec";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskRow, TaskSpec } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import { instant, millis, NEVER } from "#domain/time/time";
import type { AgentRow } from "#domain/worker/agent";
import type {
  Commit,
  Loaded,
  LoadedRows,
  LoadedTexts,
  RowsToCommit,
  TextsToCommit,
} from "#ports/store-turns";

/*
 * Factories of rows for tests. Each returns a valid row with defaults, overridden by what the test passes.
 */

/** The lane of Steps without another one. */
export const lane = laneOf("default", "echo", {});

/** Makes an id; ids sort by their numbers. */
export function taskId(number: number): TaskId {
  return `task-${String(number).padStart(4, "0")}` as TaskId;
}

export function runId(number: number): RunId {
  return `run-${String(number).padStart(4, "0")}` as RunId;
}

export function sessionId(name: string): SessionId {
  return name as SessionId;
}

export function spec(part: Partial<TaskSpec> = {}): TaskSpec {
  const plain = newTaskSpec({ agentName: "echo", maxAttempts: 1, principal: "local", environment: "" });
  return { ...plain, ...part };
}

export function task(id: TaskId, part: Partial<TaskRow> = {}): TaskRow {
  return {
    id,
    namespace: "default",
    revision: 1,
    state: "enqueuing_steps",
    spec: spec(),
    counts: { enqueued: 1 },
    hasRun: false,
    createdAt: instant(1_000),
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
    tolerated: 0,
    isolated: 0,
    opened: {},
    ownsKey: true,
    compensatedBy: "",
    compensableBelow: false,
    hasDeadLetter: false,
    inputBytes: 2,
    ...part,
  };
}

/** Returns the Task's next revision, completed at `finishedAt`. */
export function ended(row: TaskRow, finishedAt: number): TaskRow {
  return { ...row, revision: row.revision + 1, state: "complete", finishedAt: instant(finishedAt) };
}

export function stepSpec(part: Partial<StepSpec> = {}): StepSpec {
  return {
    type: "standard",
    planned: "main",
    config: null,
    retry: DEFAULT_RETRY,
    maxAttempts: 1,
    timeoutMs: millis(0),
    ...part,
  };
}

export function step(of: TaskId, part: Partial<StepRow> = {}): StepRow {
  return newStep({
    taskId: of,
    name: "main",
    revision: 1,
    state: "enqueued",
    agentName: "echo",
    spec: stepSpec({ planned: part.name ?? "main" }),
    lane: lane.key,
    ...part,
  });
}

export function run(id: RunId, of: TaskId, part: Partial<RunRow> = {}): RunRow {
  return {
    id,
    taskId: of,
    stepName: "main",
    namespace: "default",
    revision: 1,
    status: "ASSIGNED",
    heldBy: sessionId("s1"),
    session: sessionId("s1"),
    principal: "local",
    workerId: "w1" as WorkerId,
    instance: "",
    agentName: "echo",
    fence: 1,
    attempt: 1,
    ordinal: 1,
    createdAt: instant(2_000),
    startedAt: NEVER,
    finishedAt: NEVER,
    reason: "",
    errorMessage: "",
    errorDetail: "",
    backend: null,
    nextSeq: 0,
    outputBytes: 0,
    ...part,
  };
}

export function deadLetter(of: TaskId, part: Partial<DeadLetterRow> = {}): DeadLetterRow {
  const reason = part.reason ?? "ATTEMPTS_EXHAUSTED";
  const snapshot: DeadLetterSnapshot = {
    state: "error",
    agentName: "echo",
    template: null,
    stepName: "main",
    attempts: 1,
    maxAttempts: 1,
    losses: 0,
    maxLosses: 3,
    taskReason: "STEP_FAILED",
    message: "no such city",
    runId: runId(1),
    workerId: "w1" as WorkerId,
    cause: null,
  };
  const opened = openedLetter(
    { taskId: of, namespace: "default", reason, snapshot },
    undefined,
    instant(3_000),
  );
  return { ...opened, revision: 1, ...part };
}

export function line(content: string): LogEntry {
  return { type: "chat", at: instant(3_000), runId: runId(1), role: 1, content, sentAt: 0 };
}

export function deadline(of: TaskId, at: number, kind: DeadlineKind = "timeout", stepName = ""): Deadline {
  return { taskId: of, stepName, kind, at: instant(at) };
}

export function template(name: string, version: string, part: Partial<TemplateRow> = {}): TemplateRow {
  const { namespace = "default" } = part;
  const steps = [{ name: "main", handler: { callable: "echo" } }];
  return {
    namespace,
    name,
    version,
    body: { name, namespace_name: namespace, version, steps },
    source: `name: ${name}\nversion: ${version}\n`,
    digest: `${name} ${version}`,
    registeredAt: instant(4_000),
    ...part,
  };
}

export function agentRow(name: string, part: Partial<AgentRow> = {}): AgentRow {
  const retry = { attempts: 3, backoff: "linear", base: millis(10), only: ["TimeoutError"] } as const;
  const inputSchema = '{"type":"object"}';
  return {
    namespace: "",
    name,
    description: `"${name}"`,
    announced: { digest: `of ${name}`, retry, timeoutMs: millis(5_000), concurrency: 2, inputSchema },
    seenAt: instant(4_000),
    ...part,
  };
}

let commits = 0;

/** Makes a commit, with an id of its own unless `part` has one. */
export function commit(part: Partial<Commit>): Commit {
  return {
    id: `commit-${++commits}`,
    at: instant(5_000),
    ...forKinds<RowsToCommit>(rowKindNames, () => []),
    ...forKinds<TextsToCommit>(textKindNames, () => []),
    templates: [],
    log: [],
    deadlines: [],
    lanesAdded: [],
    lanesRemoved: [],
    agents: [],
    agentsForgotten: [],
    ...part,
  };
}

/** Makes the answer of a load that found only `part`. */
export function loaded(part: Partial<Loaded> = {}): Loaded {
  return {
    ...forKinds<LoadedRows>(rowKindNames, () => []),
    ...forKinds<LoadedTexts>(textKindNames, () => new Map()),
    templates: [],
    ...part,
  };
}
