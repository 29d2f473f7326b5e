import type { AddressedMessage, Answer, Command } from "#actors/commands";
import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant, unreachable } from "#domain/invariant";
import { type RunRow, runSummary } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, moved, type TaskRow } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Needs } from "#ports/store";
import type { Core } from "../core.js";
import { type Actors, needsOf } from "../machines/actors.js";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "../machines/lifecycles.js";
import { recordEnd, recordStep, StateHistory } from "../machines/state-history.js";
import type { Journal } from "../memory/journal.js";
import { withDependencies, withInput } from "../memory/step-changes.js";
import type { TurnContext } from "./context.js";
import type { Deciding } from "./culprit.js";
import { boundedSend } from "./effect.js";
import { sendOrEnd } from "./send-assignment.js";

export interface CascadeParts {
  readonly core: Pick<Core, "terms" | "telemetry">;
  readonly context: TurnContext;
  readonly actors: Actors;
  readonly journal: Journal;
  readonly at: Instant;
  readonly draw: () => number;
  /** Loads the rows that the turn does not have yet; undefined if it has them all. */
  readonly loadMissing: (needs: Needs) => Promise<void> | undefined;
}

/**
 * Decides one message from outside and all messages that follow from it. The addressed actor decides, its commands
 * are carried out, and messages among them are decided in turn, until none is left. Then the indexes and the log are
 * updated from the rows that changed.
 *
 * One instance decides one message. If `decide` throws, the caller rolls the journal back.
 */
export class MessageCascade {
  readonly #parts: CascadeParts;
  readonly #pending: AddressedMessage[] = [];
  /** Changed rows as they were before the cascade. */
  readonly #tasks = new Map<TaskId, TaskRow | undefined>();
  readonly #steps = new Map<
    string,
    { readonly before: StepRow | undefined; readonly taskId: TaskId; readonly stepName: string }
  >();
  readonly #runs = new Map<RunId, RunRow | undefined>();
  readonly #states = new StateHistory();
  #current: AddressedMessage | undefined;
  #command: Command | undefined;
  answer: Answer | undefined;

  constructor(parts: CascadeParts) {
    this.#parts = parts;
  }

  /** The message and command being decided; after a failure, those that failed. */
  get deciding(): Deciding {
    return { addressed: this.#current, command: this.#command };
  }

  async decide(first: AddressedMessage): Promise<void> {
    const { context, actors, journal, at, draw } = this.#parts;
    this.#pending.push(first);
    let count = 0;
    for (let addressed = this.#pending.shift(); addressed; addressed = this.#pending.shift()) {
      this.#current = addressed;
      this.#command = undefined;
      count += 1;
      invariant(count <= limits.cascadeMessages, `${first.message.type} leads to messages without end`);
      const loading = this.#loadFor(addressed);
      if (loading) await loading;
      this.#carryOutAll(actors.tell(addressed, context.view, { at, draw: draw() }, journal));
    }
    this.#settle();
  }

  /**
   * Loads the rows that the message needs; undefined if all are loaded. May take several rounds, because loaded rows
   * name further rows: a Step its dependants, a batch its next member.
   */
  #loadFor(addressed: AddressedMessage): Promise<void> | undefined {
    const { context, loadMissing } = this.#parts;
    const loading = loadMissing(needsOf(addressed, context.view));
    return loading && this.#loadRest(addressed, loading);
  }

  async #loadRest(addressed: AddressedMessage, loading: Promise<void>): Promise<void> {
    const { context, loadMissing } = this.#parts;
    let more: Promise<void> | undefined = loading;
    for (let round = 0; more && round < limits.loadRounds; round += 1) {
      await more;
      more = loadMissing(needsOf(addressed, context.view));
    }
    await more;
  }

  #carryOut(command: Command): void {
    const { work, memory } = this.#parts.context;
    switch (command.type) {
      case "createTask":
        this.#tasks.set(command.params.task.id, undefined);
        work.addTask(command.params.task, command.params.input);
        this.#states.noteTask(command.params.task.id, command.params.task.state);
        break;
      case "pass":
        this.#states.noteTask(command.params.taskId, command.params.state);
        break;
      case "noteCompensation":
      case "noteCompensableBelow":
      case "noteInDoubt":
      case "releaseKey":
        this.#note(command);
        break;
      case "addDependencies":
        this.#changeStep(command.params, (row) => withDependencies(row, command.params));
        break;
      case "keepTemplate":
        work.templates.add(command.params.template);
        memory.addTemplate(command.params.template.namespace, this.#parts.journal);
        break;
      case "keepInput":
        work.rows.keepText("stepInputs", command.params);
        this.#changeStep(command.params, (row) => withInput(row, command.params.json));
        break;
      case "createStep":
        this.#putStep(command.params.step);
        break;
      case "createRun":
        this.#putRun(command.params.run);
        break;
      case "attachWorker":
        work.agents.add(memory.attachWorker(command.params.session, this.#parts.at, this.#parts.journal));
        break;
      case "advanceTask":
      case "advanceStep":
      case "advanceRun":
      case "advanceWorker":
        this.#advance(command);
        break;
      case "keepOutput":
        work.rows.keepText("outputs", command.params);
        break;
      case "record":
        work.record(command.params.taskId, command.params.entry);
        break;
      case "setDeadline":
      case "clearDeadline":
        work.setDeadline({ at: NEVER, ...command.params });
        break;
      case "tell":
        this.#pending.push(command.params);
        break;
      case "reply":
        this.answer = command.params.answer;
        break;
      case "sendAssignment":
        this.#carryOut(sendOrEnd(command.params.runId, this.#parts));
        break;
      case "send":
        work.effect(boundedSend(command));
        break;
      case "disconnect":
      case "countRefused":
        work.effect(command);
        break;
      default:
        unreachable(command, "a command nobody carries out");
    }
  }

  /** Notes in a row what has nothing to do with its state. */
  #note(command: Extract<Command, { type: `note${string}` | "releaseKey" }>): void {
    const { type, params } = command;
    if (type === "noteInDoubt") this.#changeStep(params, (row) => ({ ...row, inDoubt: true }));
    else if (type === "noteCompensation") {
      this.#changeTask(params.taskId, { compensatedBy: params.compensatedBy });
    } else if (type === "noteCompensableBelow") this.#changeTask(params.taskId, { compensableBelow: true });
    else this.#changeTask(params.taskId, { ownsKey: false });
  }

  /** Sends a message to a lifecycle machine; the resulting commands are carried out before any other. */
  #advance(command: Extract<Command, { type: `advance${string}` }>): void {
    const { work, memory } = this.#parts.context;
    switch (command.type) {
      case "advanceTask": {
        const before = work.task(command.params.taskId);
        invariant(before, `task ${command.params.taskId} is advanced but was not loaded`);
        const [after, commands] = advanceTask(before, command.params.message);
        if (after !== before) this.#putTask(after);
        this.#carryOutAll(commands);
        if (after !== before) this.#states.noteTask(after.id, after.state);
        break;
      }
      case "advanceStep": {
        const before = work.step(command.params);
        invariant(before, `step ${stepKey(command.params)} is advanced but was not loaded`);
        const [after, commands] = advanceStep(before, command.params.message);
        if (after !== before) this.#putStep(after);
        if (after.state !== before.state) {
          this.#states.noteStep(after);
          this.#countInEnded(before, after);
        }
        this.#carryOutAll(commands);
        break;
      }
      case "advanceRun": {
        const before = work.run(command.params.runId);
        invariant(before, `run ${command.params.runId} is advanced but was not loaded`);
        const [after, commands] = advanceRun(before, command.params.message);
        if (after !== before) this.#putRun(after);
        this.#carryOutAll(commands);
        break;
      }
      case "advanceWorker": {
        const before = memory.roster.get(command.params.session);
        if (!before) return; // the session is gone, and with it whatever it should hear
        const [after, commands] = advanceWorker(before, command.params.message);
        if (after !== before) {
          work.agents.add(memory.followWorker(before, after, this.#parts.at, this.#parts.journal));
        }
        this.#carryOutAll(commands);
        break;
      }
    }
  }

  #carryOutAll(commands: readonly Command[]): void {
    for (const command of commands) {
      this.#command = command;
      this.#carryOut(command);
    }
  }

  /** Keeps the Step counts of a Task that has ended: its lifecycle gets no more messages that would update them. */
  #countInEnded({ taskId, state: from }: StepRow, { state: to }: StepRow): void {
    const task = this.#parts.context.work.task(taskId);
    if (task && isTerminal(task.state)) this.#changeTask(taskId, { counts: moved(task.counts, from, to) });
  }

  #changeTask(id: TaskId, change: Partial<TaskRow>): void {
    const before = this.#parts.context.work.task(id);
    invariant(before, `task ${id} is changed but was not loaded`);
    this.#putTask({ ...before, ...change });
  }

  #putTask(row: TaskRow): void {
    const { work } = this.#parts.context;
    if (!this.#tasks.has(row.id)) {
      const before = work.task(row.id);
      this.#tasks.set(row.id, before);
      if (before) this.#states.noteTask(before.id, before.state);
    }
    work.putTask(row);
  }

  #changeStep(key: StepKey, change: (row: StepRow) => StepRow): void {
    const row = this.#parts.context.work.step(key);
    invariant(row, `step ${stepKey(key)} is changed but was not loaded`);
    this.#putStep(change(row));
  }

  #putStep(row: StepRow): void {
    const { work } = this.#parts.context;
    const key = { taskId: row.taskId, stepName: row.name };
    const name = stepKey(key);
    if (!this.#steps.has(name)) this.#steps.set(name, { before: work.step(key), ...key });
    work.putStep(row);
  }

  #putRun(row: RunRow): void {
    const { work } = this.#parts.context;
    if (!this.#runs.has(row.id)) this.#runs.set(row.id, work.run(row.id));
    work.putRun(row);
  }

  /**
   * Updates memory, the list of changes, and the log from the changed rows. Log entries of a Task's own state come last
   * in the cascade, except the first entry of a new Task, which comes first.
   */
  #settle(): void {
    const { context, journal, at } = this.#parts;
    const { work, memory } = context;
    const states = this.#states;
    for (const [id, before] of this.#tasks) if (!before) states.recordTask(id, before, work, at);
    for (const [id, before] of this.#runs) {
      const after = work.run(id) as RunRow;
      memory.followRun(before, after, journal);
      journal.push(work.changes.runs, { before, after });
      if (before?.status !== after.status)
        work.record(after.taskId, { type: "run", at, run: runSummary(after) });
    }
    for (const { before, ...key } of this.#steps.values()) {
      const after = work.step(key) as StepRow;
      const lane = memory.followStep(before, after, work.task(key.taskId) as TaskRow, journal);
      if (lane) work.lanes.add(lane);
      journal.push(work.changes.steps, { before, after });
      if (!before && after.state === "pending") recordStep(after, work, at);
    }
    states.recordSteps(work, at);
    for (const [id, before] of this.#tasks) {
      const after = work.task(id) as TaskRow;
      memory.followTask(before, after, journal);
      journal.push(work.changes.tasks, { before, after });
      if (before) states.recordTask(id, before, work, at);
      else if (isTerminal(after.state)) recordEnd(after, work, at);
    }
  }
}
