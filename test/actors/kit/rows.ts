import { LOCAL_CALLER } from "#domain/caller";
import type { Membership, StepSpec } from "#domain/graph/plan";
import { MAIN_STEP, type RunId, type SessionId, type TaskId, type WorkerId } from "#domain/id";
import { laneOf } from "#domain/task/lane";
import type { RunRow } from "#domain/task/run";
import { newStep, type ReadyStep, type StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow, TaskSpec } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import type { AgentSpec, Hello, LeaseTerms, SessionRow, WorkerInfo } from "#domain/worker/worker";
import { limits } from "#limits/index";
import * as rows from "#testing/rows";

/**
 * Rows as small as a test can want them: everything at rest, nothing set. A test names only what its
 * story is about.
 */
export const t1 = "t1" as TaskId;
export const r1 = "r1" as RunId;
export const s1 = "s1" as SessionId;
export const w1 = "w1" as WorkerId;

export const caller = LOCAL_CALLER;

/** A worker that was told terms beats every 5 s and is lost after 30 s of silence. */
export const terms: LeaseTerms = {
  lease: millis(30_000),
  heartbeat: millis(5_000),
  publicLease: millis(90_000),
};

export function spec(part: Partial<TaskSpec> = {}): TaskSpec {
  return rows.spec({ agentName: "triage", environment: "development", ...part });
}

/** A Task of which nothing has happened yet. */
export function task(part: Partial<TaskRow> = {}): TaskRow {
  const fresh = { state: "pending", counts: { pending: 1 }, createdAt: NEVER, ownsKey: false } as const;
  return rows.task(part.id ?? t1, { spec: spec(), ...fresh, ...part });
}

export function draft(id: string, part: Partial<TaskSpec> = {}, namespace = "default"): TaskDraft {
  return { id: id as TaskId, namespace, spec: spec(part), input: "{}" };
}

/** What a Step of an agent alone is to do. */
export const stepSpec = rows.stepSpec;

export function step(part: Partial<StepRow> = {}): StepRow {
  return newStep({
    taskId: t1,
    name: MAIN_STEP,
    revision: 1,
    agentName: "triage",
    spec: stepSpec(),
    ...part,
  });
}

/** Makes a Step one of many, of a batch or map called `group`. */
export function memberOf(group: string, part: Partial<Membership> = {}): Pick<StepSpec, "member"> {
  return { member: { group, index: 0, concurrency: 1, failure: "fail_fast", ...part } };
}

/** A Step whose first Run is `r1`. */
export function begun(part: Partial<StepRow> = {}): StepRow {
  return step({ state: "in_progress", runId: r1, fence: 1, attempts: 1, ...part });
}

/** A Run that has been assigned to nobody yet. */
export function run(part: Partial<RunRow> = {}): RunRow {
  const fresh = {
    status: "PENDING",
    heldBy: "",
    instance: "i1",
    agentName: "triage",
    createdAt: NEVER,
  } as const;
  return rows.run(part.id ?? r1, part.taskId ?? t1, { ...fresh, ...part });
}

/** A Run in the hands of session `s1`. */
export function heldRun(part: Partial<RunRow> = {}): RunRow {
  return run({ status: "RUNNING", heldBy: s1, ...part });
}

export function agent(name: string): AgentSpec {
  return { name, description: "", labels: {}, backends: [] };
}

export function workerInfo(part: Partial<WorkerInfo> = {}): WorkerInfo {
  return {
    workerId: w1,
    hostname: "",
    version: "",
    agents: [agent("triage")],
    labels: {},
    namespaces: [],
    ...part,
  };
}

export function session(part: Partial<SessionRow> = {}): SessionRow {
  return {
    id: s1,
    state: "serving",
    principal: caller.principal,
    instance: "i1",
    protocol: 1,
    info: workerInfo(),
    capacity: limits.defaultRunsPerWorker,
    connectedAt: NEVER,
    ...part,
  };
}

export function hello(part: Partial<Hello> = {}): Hello {
  return {
    info: workerInfo(),
    protocol: 1,
    instance: "i1",
    capacity: limits.defaultRunsPerWorker,
    resume: [],
    ...part,
  };
}

export const lane = laneOf("default", "triage", {});

export function ready(taskId: string, part: Partial<ReadyStep> = {}): ReadyStep {
  return {
    taskId: taskId as TaskId,
    stepName: MAIN_STEP,
    lane: lane.key,
    rank: 0,
    declines: 0,
    avoidWorker: "",
    avoidUntil: instant(0),
    nextAttemptAt: instant(0),
    ...part,
  };
}
