import { runMachine } from "#actors/run/machine";
import type { RunMessage } from "#actors/run/messages";
import { stepMachine } from "#actors/step/machine";
import type { StepMessage } from "#actors/step/messages";
import { taskMachine } from "#actors/task/machine";
import type { TaskMessage } from "#actors/task/messages";
import { workerMachine } from "#actors/worker/machine";
import type { WorkerMessage } from "#actors/worker/messages";
import { holdOf, type RunRow, type RunStatus } from "#domain/task/run";
import type { StepRow, StepState } from "#domain/task/step";
import type { TaskRow, TaskState } from "#domain/task/task";
import type { SessionRow, SessionState } from "#domain/worker/worker";
import { type Decision, decider } from "./flat-interpreter.js";

/**
 * The four lifecycles as functions on rows. A machine's context is the row itself, less its payloads;
 * its state is the row's status column. Only these functions ever change a status.
 */
const task = decider<TaskRow, TaskMessage>(taskMachine);
const step = decider<StepRow, StepMessage>(stepMachine);
const run = decider<RunRow, RunMessage>(runMachine);
const worker = decider<SessionRow, WorkerMessage>(workerMachine);

/** The row after the message (the same object if it was ignored), and the machine's commands. */
type Advanced<Row> = readonly [Row, Decision<Row>["commands"]];

export function advanceTask(row: TaskRow, message: TaskMessage): Advanced<TaskRow> {
  const decision = task({ value: row.state, context: row }, message);
  return [placed(row, decision, "state", decision.value as TaskState), decision.commands];
}

export function advanceStep(row: StepRow, message: StepMessage): Advanced<StepRow> {
  const decision = step({ value: row.state, context: row }, message);
  return [placed(row, decision, "state", decision.value as StepState), decision.commands];
}

/** Sends a message to a Run's machine, which has two regions: its status, and whether a worker holds the Run. */
export function advanceRun(row: RunRow, message: RunMessage): Advanced<RunRow> {
  const decision = run({ value: { status: row.status, hold: holdOf(row) }, context: row }, message);
  const { status } = decision.value as { status: RunStatus };
  return [placed(row, decision, "status", status), decision.commands];
}

export function advanceWorker(row: SessionRow, message: WorkerMessage): Advanced<SessionRow> {
  const decision = worker({ value: row.state, context: row }, message);
  return [placed(row, decision, "state", decision.value as SessionState), decision.commands];
}

/**
 * The row with its state in its column. Reuses the machine's copy of the row; copies it here if the machine did not.
 */
function placed<Row, Column extends keyof Row>(
  row: Row,
  { context, ignored }: Decision<Row>,
  column: Column,
  state: Row[Column],
): Row {
  if (ignored) return row;
  const after: { -readonly [Field in keyof Row]: Row[Field] } = context === row ? { ...row } : context;
  after[column] = state;
  return after;
}
