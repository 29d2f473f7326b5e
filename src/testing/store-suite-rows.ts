import type { RunId, SessionId, TaskId, WorkerId } from "#domain/id";
import { laneOf } from "#domain/lane";
import type { LogEntry } from "#domain/log";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow, TaskSpec } from "#domain/task";
import { instant, millis, NEVER } from "#domain/time";
import type { Commit, Deadline, DeadlineKind } from "#ports/store";

/** Plain rows for tests of a store: a test names only what it is about. */
export const lane = laneOf("default", "echo", {});

/** Ids that sort as they count. */
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
  return {
    agentName: "echo",
    priority: 0,
    timeoutMs: millis(0),
    maxAttempts: 1,
    labels: {},
    workerSelector: {},
    createdBy: "",
    correlationId: "",
    startAt: NEVER,
    retryOf: "",
    idempotencyKey: "",
    fingerprint: "",
    holdOnFailure: false,
    principal: "local",
    ...part,
  };
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
    ...part,
  };
}

export function ended(row: TaskRow, finishedAt: number): TaskRow {
  return { ...row, revision: row.revision + 1, state: "complete", finishedAt: instant(finishedAt) };
}

export function step(id: TaskId, part: Partial<StepRow> = {}): StepRow {
  return {
    taskId: id,
    name: "main",
    revision: 1,
    state: "enqueued",
    agentName: "echo",
    dependsOn: [],
    unsatisfied: 0,
    fence: 0,
    attempts: 0,
    maxAttempts: 1,
    declines: 0,
    avoidWorker: "",
    avoidUntil: NEVER,
    lane: lane.key,
    rank: 0,
    nextAttemptAt: NEVER,
    runId: "",
    outputBytes: 0,
    errorMessage: "",
    ...part,
  };
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
    backend: null,
    nextSeq: 0,
    outputBytes: 0,
    ...part,
  };
}

export function line(content: string): LogEntry {
  return { type: "chat", at: instant(3_000), runId: runId(1), role: 1, content, sentAt: 0 };
}

export function deadline(of: TaskId, at: number, kind: DeadlineKind = "timeout", stepName = ""): Deadline {
  return { taskId: of, stepName, kind, at: instant(at) };
}

export function commit(part: Partial<Commit>): Commit {
  return {
    at: instant(5_000),
    tasks: [],
    steps: [],
    runs: [],
    inputs: [],
    outputs: [],
    log: [],
    deadlines: [],
    lanesAdded: [],
    lanesRemoved: [],
    ...part,
  };
}
