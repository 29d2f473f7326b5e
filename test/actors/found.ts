import type { RunTrackerMessage, TrackerFound } from "#actors/run-tracker/messages";
import type { Placement, SchedulerFound, Slots } from "#actors/scheduler/messages";
import type { FinalizerFound } from "#actors/task-finalizer/messages";
import type { RequestFound } from "#actors/task-request/messages";
import { MAIN_STEP, type RunId, type SessionId, type TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { StatusReport } from "#domain/report";
import { millis, NEVER } from "#domain/time";
import { lane, r1, ready, s1, session } from "./rows.js";

/** What the runtime puts beside a message, as small as a test can want it. */
export const half = { draw: 0.5 } as const;

export function requestFound(part: Partial<RequestFound> = {}): RequestFound {
  return { holders: [], waiting: 0, waitingIn: {}, lanesIn: {}, knownLanes: [], templatesIn: 0, ...part };
}

export function schedulerFound(part: Partial<SchedulerFound> = {}): SchedulerFound {
  return { lanes: [], workers: [], runIds: [], free: limits.unsentBytes, rows: [], ...part };
}

export function trackerFound(part: Partial<TrackerFound> = {}): TrackerFound {
  return { session: session(), runs: [], leaseUntil: NEVER, ...part };
}

export function finalizerFound(part: Partial<FinalizerFound> = {}): FinalizerFound {
  return { steps: [], runs: [], outputs: new Map(), ...part };
}

export function slots(part: Partial<Slots> = {}): Slots {
  return { session: session(), held: 0, lastOrdinal: 0, unsent: 0, ...part };
}

export function runIds(count: number): RunId[] {
  return Array.from({ length: count }, (_, i) => `r${i + 1}` as RunId);
}

/** The lane of agent `triage` in namespace `default`, with these Tasks waiting in it. */
export function waiting(...taskIds: readonly string[]) {
  return { lane, ready: taskIds.map((id, i) => ready(id, { rank: i })) };
}

export function placement(taskId: string, runId: string, to: SessionId = s1): Placement {
  return {
    taskId: taskId as TaskId,
    stepName: MAIN_STEP,
    session: to,
    runId: runId as RunId,
    namespace: "default",
  };
}

type Report = Extract<RunTrackerMessage, { type: "report" }>["report"];

/** The fields of a `report` from session `s1`. */
export function says(report: Report, bytes = 0) {
  return { session: s1, report, bytes } as const;
}

export function status(part: Partial<StatusReport> = {}): StatusReport {
  return {
    type: "status",
    runId: r1,
    fence: 1,
    status: "COMPLETED",
    errorMessage: "",
    backend: null,
    output: "",
    retryAfter: millis(0),
    ...part,
  };
}

export function chunk(seq: number, content: string) {
  return {
    type: "output",
    runId: r1,
    fence: 1,
    seq,
    content,
    isFinal: false,
    metadata: {},
    sentAt: 0,
  } as const;
}
