import type { Command } from "#actors/commands";
import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import { recordKey } from "#domain/task/journal";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, moved, type TaskRow } from "#domain/task/task";
import type { StateHistory } from "../machines/state-history.js";
import { withDependencies, withInput } from "../memory/step-changes.js";
import { taskUsage } from "../memory/usage-writes.js";
import type { ChangedRows } from "./changed-rows.js";
import type { CascadeParts } from "./context.js";

/** Commands that change rows in what has nothing to do with a state, or keep a text beside them. */
export type Keeping = Extract<
  Command,
  {
    type: `note${string}` | `keep${"Input" | "Output" | "Actions" | "Record" | "DeadLetter"}` | KeepingByName;
  }
>;
type KeepingByName = "releaseKey" | "addUsage" | "addDependencies";

/** The rows of one cascade as they change, with what each was before it. */
export class CascadeRows {
  readonly changed: ChangedRows = { tasks: new Map(), steps: new Map(), runs: new Map() };
  readonly #parts: CascadeParts;
  readonly #states: StateHistory;

  constructor(parts: CascadeParts, states: StateHistory) {
    this.#parts = parts;
    this.#states = states;
  }

  keep(command: Keeping): void {
    const { type, params } = command;
    const { work } = this.#parts.context;
    switch (type) {
      case "keepRecord": {
        const { taskId, stepName } = recordKey(params, params.seq);
        work.rows.keepText("journal", { taskId, stepName, json: params.json });
        break;
      }
      case "keepOutput":
        work.rows.keepText("outputs", params);
        break;
      case "keepActions":
        work.rows.keepText("stepActions", params);
        break;
      case "keepInput":
        work.rows.keepText("stepInputs", params);
        this.#changeStep(params, (row) => withInput(row, params.json));
        break;
      case "addDependencies":
        this.#changeStep(params, (row) => withDependencies(row, params));
        break;
      case "noteInDoubt":
        this.#changeStep(params, (row) => ({ ...row, inDoubt: true }));
        break;
      case "noteJournal":
        this.#changeStep(params, (row) => ({ ...row, journal: params.journal }));
        break;
      case "keepDeadLetter":
        work.putSingle("deadLetters", params.row);
        this.#changeTask(params.row.taskId, { hasDeadLetter: true });
        break;
      default:
        this.#changeTask(params.taskId, changeOfTask(command));
    }
  }

  putTask(row: TaskRow): void {
    const { work } = this.#parts.context;
    if (!this.changed.tasks.has(row.id)) {
      const before = work.task(row.id);
      this.changed.tasks.set(row.id, before);
      if (before) this.#states.noteTask(before.id, before.state);
    }
    work.putTask(row);
  }

  readonly putStep = (row: StepRow): void => {
    const { work } = this.#parts.context;
    const key = { taskId: row.taskId, stepName: row.name };
    const name = stepKey(key);
    if (!this.changed.steps.has(name)) this.changed.steps.set(name, { before: work.step(key), ...key });
    work.putStep(row);
  };

  readonly putRun = (row: RunRow): void => {
    const { work, nodes } = this.#parts.context;
    if (!this.changed.runs.has(row.id)) this.changed.runs.set(row.id, work.run(row.id));
    work.putRun(nodes ? nodes.named(row) : row);
  };

  /** Keeps the Step counts of a Task that has ended: its lifecycle gets no more messages that would update them. */
  countInEnded({ taskId, state: from }: StepRow, { state: to }: StepRow): void {
    const task = this.#parts.context.work.task(taskId);
    if (task && isTerminal(task.state)) this.#changeTask(taskId, { counts: moved(task.counts, from, to) });
  }

  #changeTask(id: TaskId, change: Partial<TaskRow> | ((row: TaskRow) => Partial<TaskRow>)): void {
    const before = this.#parts.context.work.task(id);
    invariant(before, `task ${id} is changed but was not loaded`);
    const after = { ...before, ...(typeof change === "function" ? change(before) : change) };
    this.#parts.recorder?.changed("task", before, after);
    this.putTask(after);
  }

  #changeStep(key: StepKey, change: (row: StepRow) => StepRow): void {
    const row = this.#parts.context.work.step(key);
    invariant(row, `step ${stepKey(key)} is changed but was not loaded`);
    const after = change(row);
    this.#parts.recorder?.changed("step", row, after);
    this.putStep(after);
  }
}

type OfTask = Extract<
  Keeping,
  {
    type:
      | "noteCompensation"
      | "noteCompensableBelow"
      | "noteSignals"
      | "noteBudget"
      | "releaseKey"
      | "addUsage";
  }
>;

function changeOfTask(command: OfTask): Partial<TaskRow> | ((row: TaskRow) => Partial<TaskRow>) {
  switch (command.type) {
    case "noteCompensation":
      return { compensatedBy: command.params.compensatedBy };
    case "noteCompensableBelow":
      return { compensableBelow: true };
    case "noteSignals":
      return { signals: command.params.signals };
    case "noteBudget": {
      const { taskId: _, ...change } = command.params;
      return change;
    }
    case "addUsage":
      return (row) => taskUsage(row, command.params);
    case "releaseKey":
      return { ownsKey: false };
  }
}
