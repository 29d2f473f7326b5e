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
import { isOver, type RunRow, runStatuses } from "#domain/task/run";
import { type StepRow, type StepState, stepStates } from "#domain/task/step";
import { type TaskRow, taskStates } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
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

type StepChanged = Extract<TaskMessage, { type: "stepChanged" }>;

/** A Step's change as its Task hears of it, from a worker's Step whose failure ends the Task. */
export function changeOf(from: StepState, to: StepState, part: Partial<StepChanged> = {}): StepChanged {
  const plain = { stepName: "main", taken: true, tolerated: false, isolated: false, errorMessage: "" };
  return { type: "stepChanged", at, from, to, ...plain, ...part };
}

/** One Step of two has gone from one state to another; the other one is complete. */
function stepChanged(
  name: string,
  message: StepChanged,
  given: Partial<TaskRow> = {},
): Case<TaskRow, TaskMessage> {
  const counts = message.from === "complete" ? { complete: 2 } : { complete: 1, [message.from]: 1 };
  return { name: `stepChanged to ${name}`, message, given: { hasRun: true, counts, ...given } };
}

const held = { spec: spec({ holdOnFailure: true }) };
const givesUp = { spec: spec() };
const failure = "enqueued_as_error_for_orchestration";

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
      { type: "stepsAdded", at, count: 3 },
      { type: "opened", at, group: "rows", count: 2 },
      { type: "cancel", at, message: "not needed" },
      { type: "timeout", at, message: "too long" },
      { type: "abort", at, message: "a bug" },
      { type: "giveUp", at },
      { type: "manualResolution", at },
    ),
    stepChanged("enqueued", changeOf("pending", "enqueued"), { hasRun: false }),
    stepChanged("enqueued, after a run", changeOf("pending", "enqueued")),
    stepChanged("in_progress", changeOf("enqueued", "in_progress"), { hasRun: false }),
    stepChanged("in_progress, without a worker", changeOf("pending", "in_progress", { taken: false }), {
      hasRun: false,
    }),
    stepChanged("waiting_for_retry", changeOf(failure, "waiting_for_retry")),
    stepChanged("pending", changeOf("waiting_for_retry", "pending")),
    stepChanged("complete", changeOf("enqueued_for_orchestration", "complete")),
    stepChanged("resolved_manually", changeOf("error", "resolved_manually")),
    stepChanged("error, held", changeOf(failure, "error"), held),
    stepChanged("error", changeOf(failure, "error"), givesUp),
    stepChanged("error, in doubt", changeOf(failure, "error", { held: true, reason: "IN_DOUBT" }), givesUp),
    stepChanged("resolved_manually, after doubt", changeOf("error", "resolved_manually", { held: true }), {
      ...givesUp,
      holds: 1,
    }),
    stepChanged("error, passed over", changeOf(failure, "error", { tolerated: true }), givesUp),
    stepChanged(
      "error, isolated",
      changeOf(failure, "error", { tolerated: true, isolated: true, errorMessage: "no such row" }),
      givesUp,
    ),
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
      { type: "begin", at, childId: "" },
      { type: "signalled", at, outputBytes: 2 },
      { type: "start", at, runId: "r2" as RunId },
      { type: "succeeded", at, outputBytes: 2 },
      { type: "failed", at, errorMessage: "no such ticket" },
      { type: "lost", at, errorMessage: "silent", avoidWorker: w1, avoidUntil: instant(500) },
      { type: "complete", at, order: 1 },
      { type: "waitForRetry", at, until: instant(500) },
      { type: "fail", at, errorMessage: "no such ticket" },
      { type: "retry", at },
      { type: "yielded", at, until: at, fruitless: 0, ...place },
      { type: "suspended", at, entries: [1] },
      { type: "woken", at, ...place },
      { type: "handBack", at, until: at, ...place, avoidWorker: w1, avoidUntil: instant(500) },
      { type: "cancel", at },
      { type: "completeManually", at, outputBytes: 2, order: 1 },
      { type: "resolveManually", at, order: 1 },
      { type: "resetForRetry", at },
      { type: "budgetExceeded", at, errorMessage: "used up" },
      { type: "budgetRaised", at },
    ),
    {
      name: "budgetRaised, held",
      message: { type: "budgetRaised", at },
      given: { heldFor: "BUDGET_EXCEEDED" },
    },
    {
      name: "fail, in doubt",
      message: { type: "fail", at, errorMessage: "begun once", reason: "IN_DOUBT" },
    },
    {
      name: "dependencySatisfied",
      message: { type: "dependencySatisfied", at },
      given: { unsatisfied: 1 },
    },
    {
      name: "begin with a dependency open",
      message: { type: "begin", at, childId: "" },
      given: { unsatisfied: 1 },
    },
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
      { type: "yielded", at, cursor: "7", output: "" },
      { type: "suspended", at, entries: [1] },
      { type: "declined", at, message: "I must go" },
      { type: "broken", at, reason: "OUTPUT_LIMIT", message: "too much output" },
      { type: "undeliverable", at, reason: "ASSIGNMENT_TOO_LARGE", message: "too large" },
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
