import type { AnyStateMachine } from "xstate";
import { runMachine } from "#actors/run/machine";
import type { RunMessage } from "#actors/run/messages";
import { stepMachine } from "#actors/step/machine";
import type { StepMessage } from "#actors/step/messages";
import { taskMachine } from "#actors/task/machine";
import type { TaskMessage } from "#actors/task/messages";
import { workerMachine } from "#actors/worker/machine";
import type { WorkerMessage } from "#actors/worker/messages";
import type { RunId, SessionId } from "#domain/id";
import { isOver, type RunRow, runStatuses } from "#domain/run";
import { type StepRow, type StepState, stepStates } from "#domain/step";
import { type TaskRow, taskStates } from "#domain/task";
import { instant, millis, NEVER } from "#domain/time";
import type { SessionRow } from "#domain/worker";
import { lane, r1, run, s1, session, spec, step, task, w1 } from "./rows.js";

/**
 * A closed set of messages for each lifecycle, so that a test can try all of them in all states. Where
 * the row, and not the message alone, decides what comes of it, the case brings that part of the row.
 */
export interface Case<Row, Message> {
  readonly name: string;
  readonly message: Message;
  readonly given?: Partial<Row>;
}

export interface Life<Row = unknown, Message = unknown> {
  readonly machine: AnyStateMachine;
  /** Every value a row can be at rest in. */
  readonly values: readonly unknown[];
  readonly rowAt: (value: never) => Row;
  readonly cases: readonly Case<Row, Message>[];
}

const at = instant(10);

function plain<Message extends { readonly type: string }>(...messages: Message[]): Case<never, Message>[] {
  return messages.map((message) => ({ name: message.type, message }));
}

/** One Step of two has gone from one state to another; the other one is complete. */
function stepChanged(name: string, from: StepState, to: StepState, given: Partial<TaskRow> = {}) {
  const message: TaskMessage = { type: "stepChanged", at, from, to, errorMessage: "" };
  const counts = from === "complete" ? { complete: 2 } : { complete: 1, [from]: 1 };
  return { name: `stepChanged to ${name}`, message, given: { hasRun: true, counts, ...given } };
}

const held = { spec: spec({ holdOnFailure: true }) };

export const taskLife: Life<TaskRow, TaskMessage> = {
  machine: taskMachine,
  // Nothing rests in `evaluating_results`; another test holds that.
  values: taskStates.filter((state) => state !== "evaluating_results"),
  rowAt: (state: TaskRow["state"]) =>
    task({
      state,
      counts: { complete: 1, in_progress: 1 },
      hasRun: true,
      ...(state === "blocked_by_failures" && { ...held, counts: { complete: 1, error: 1 } }),
    }),
  cases: [
    ...plain<TaskMessage>(
      { type: "start", at },
      { type: "readyStepsFound", at },
      { type: "noDependenciesReady", at },
      { type: "noStepsFound", at },
      { type: "cancel", at, message: "not needed" },
      { type: "timeout", at, message: "too long" },
      { type: "giveUp", at },
      { type: "manualResolution", at },
    ),
    stepChanged("enqueued", "pending", "enqueued", { hasRun: false }),
    stepChanged("enqueued, after a run", "pending", "enqueued"),
    stepChanged("in_progress", "enqueued", "in_progress", { hasRun: false }),
    stepChanged("waiting_for_retry", "enqueued_as_error_for_orchestration", "waiting_for_retry"),
    stepChanged("pending", "waiting_for_retry", "pending"),
    stepChanged("complete", "enqueued_for_orchestration", "complete"),
    stepChanged("resolved_manually", "error", "resolved_manually"),
    stepChanged("error, held", "enqueued_as_error_for_orchestration", "error", held),
    stepChanged("error", "enqueued_as_error_for_orchestration", "error", { spec: spec() }),
  ],
};

const place = { lane: lane.key, rank: 0 };

export const stepLife: Life<StepRow, StepMessage> = {
  machine: stepMachine,
  values: stepStates,
  rowAt: (state: StepState) => step({ state, attempts: 1, runId: r1 }),
  cases: [
    ...plain<StepMessage>(
      { type: "enqueue", at, ...place },
      { type: "start", at, runId: "r2" as RunId },
      { type: "succeeded", at, outputBytes: 2 },
      { type: "failed", at, errorMessage: "no such ticket" },
      { type: "complete", at },
      { type: "waitForRetry", at, until: instant(500) },
      { type: "fail", at },
      { type: "retry", at },
      { type: "handBack", at, ...place, avoidWorker: w1, avoidUntil: instant(500) },
      { type: "cancel", at },
      { type: "completeManually", at },
      { type: "resolveManually", at },
    ),
    {
      name: "enqueue with a dependency open",
      message: { type: "enqueue", at, ...place },
      given: { unsatisfied: 1 },
    },
  ],
};

const holds = ["free", "held", "released"] as const;
export interface RunValue {
  readonly status: RunRow["status"];
  readonly hold: (typeof holds)[number];
}

const last = { backend: null, errorMessage: "no such ticket" };

export const runLife: Life<RunRow, RunMessage> = {
  machine: runMachine,
  values: runStatuses.flatMap((status) => holds.map((hold): RunValue => ({ status, hold }))),
  rowAt: ({ status, hold }: RunValue) =>
    run({ status, heldBy: hold === "held" ? s1 : "", finishedAt: isOver(status) ? at : NEVER }),
  cases: [
    ...plain<RunMessage>(
      { type: "assign", at },
      { type: "started", at },
      { type: "wrote", at, count: 1, bytes: 5 },
      { type: "completed", at, backend: null, output: "{}", outputBytes: 2 },
      { type: "failed", at, ...last, retryable: true, retryAfter: millis(0) },
      { type: "cancelled", at, errorMessage: "" },
      { type: "declined", at, message: "I must go" },
      { type: "broken", at, reason: "OUTPUT_LIMIT", message: "too much output" },
      { type: "lost", at, message: "the worker was silent" },
      { type: "resumed", at, session: "s2" as SessionId },
      { type: "released", at },
    ),
    { name: "end", message: { type: "end", at, reason: "CANCELLED", message: "not needed" } },
    { name: "end, out of time", message: { type: "end", at, reason: "TIMEOUT", message: "too long" } },
  ],
};

export const sessionStates = ["serving", "failing", "draining", "detached", "gone"] as const;

export const workerLife: Life<SessionRow, WorkerMessage> = {
  machine: workerMachine,
  values: sessionStates,
  rowAt: (state: SessionRow["state"]) => session({ state }),
  cases: [
    ...plain<WorkerMessage>(
      { type: "drain", at, message: "the host goes down" },
      { type: "closed", at },
      { type: "silent", at },
      { type: "superseded", at },
    ),
    ...(["IDLE", "BUSY", "DRAINING", "ERROR"] as const).map((status) => ({
      name: `beat ${status}`,
      message: { type: "beat", at, status, capacity: 4 } as const,
    })),
  ],
};
