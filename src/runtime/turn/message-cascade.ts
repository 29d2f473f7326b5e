import type { AddressedMessage, Answer, Command } from "#actors/commands";
import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { Needs } from "#domain/needs";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, moved, type TaskRow } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { needsOf } from "../machines/actors.js";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "../machines/lifecycles.js";
import { StateHistory } from "../machines/state-history.js";
import { unseen } from "../memory/rows-seen.js";
import { withDependencies, withInput } from "../memory/step-changes.js";
import { taskUsage } from "../memory/usage-writes.js";
import { applyChanges, type ChangedRows } from "./changed-rows.js";
import type { CascadeParts } from "./context.js";
import type { Deciding } from "./culprit.js";
import { boundedSend } from "./effect.js";
import { carryOutRest } from "./pauses.js";
import { sendOrEnd } from "./send-assignment.js";

type Creation = Extract<Command, { type: `create${string}` | "attachWorker" }>;

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
  readonly #changed: ChangedRows = { tasks: new Map(), steps: new Map(), runs: new Map() };
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
    const { context, actors, journal, at, draw, recorder } = this.#parts;
    recorder?.begin();
    this.#pending.push(first);
    let count = 0;
    for (let addressed = this.#pending.shift(); addressed; addressed = this.#pending.shift()) {
      this.#current = addressed;
      this.#command = undefined;
      count += 1;
      invariant(count <= limits.cascadeMessages, `${first.message.type} leads to messages without end`);
      const loading = this.#loadFor(addressed);
      if (loading) await loading;
      recorder?.deliver(addressed, actors.stateOf(addressed.to));
      this.#carryOutAll(actors.tell(addressed, context.view, { at, draw: draw() }, journal));
    }
    applyChanges(this.#changed, this.#states, this.#parts);
  }

  /**
   * Loads the rows that the message needs; undefined if all are loaded. May take several rounds, because loaded rows
   * name further rows: a Step its dependants, a batch its next member.
   */
  #loadFor(addressed: AddressedMessage): Promise<void> | undefined {
    const loading = this.#parts.loadMissing(this.#needsOf(addressed));
    return loading && this.#loadRest(addressed, loading);
  }

  async #loadRest(addressed: AddressedMessage, loading: Promise<void>): Promise<void> {
    let more: Promise<void> | undefined = loading;
    for (let round = 0; more && round < limits.loadRounds; round += 1) {
      await more;
      more = this.#parts.loadMissing(this.#needsOf(addressed));
    }
    await more;
  }

  /** A decision does not rest on the rows that only say what to load for it: it looks at them itself if it does. */
  #needsOf(addressed: AddressedMessage): Needs {
    const { work, view } = this.#parts.context;
    return unseen(work, () => needsOf(addressed, view));
  }

  #carryOut(command: Command): void {
    const { recorder } = this.#parts;
    const { work } = this.#parts.context;
    switch (command.type) {
      case "createTask":
      case "createStep":
      case "createRun":
      case "attachWorker":
        this.#create(command);
        break;
      case "pass":
        this.#states.noteTask(command.params.taskId, command.params.state);
        break;
      case "noteCompensation":
      case "noteCompensableBelow":
      case "noteInDoubt":
      case "releaseKey":
      case "keepDeadLetter":
      case "addUsage":
      case "noteBudget":
        this.#note(command);
        break;
      case "addDependencies":
        this.#changeStep(command.params, (row) => withDependencies(row, command.params));
        break;
      case "keepInput":
        work.rows.keepText("stepInputs", command.params);
        this.#changeStep(command.params, (row) => withInput(row, command.params.json));
        break;
      case "advanceTask":
      case "advanceStep":
      case "advanceRun":
      case "advanceWorker":
        this.#advance(command);
        break;
      case "keepOutput":
      case "keepActions":
        work.rows.keepText(command.type === "keepOutput" ? "outputs" : "stepActions", command.params);
        break;
      case "record":
        work.record(command.params.taskId, command.params.entry);
        break;
      case "setDeadline":
      case "clearDeadline":
        work.setDeadline({ at: NEVER, ...command.params });
        recorder?.deadline(command.params);
        break;
      case "tell":
        this.#pending.push(command.params);
        recorder?.told();
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
        carryOutRest(command, this.#parts, this.#putRun, this.#putStep);
    }
  }

  #create(command: Creation): void {
    const { context, journal, at, recorder } = this.#parts;
    const { work, memory } = context;
    switch (command.type) {
      case "createTask": {
        const { task, input, copies } = command.params;
        this.#changed.tasks.set(task.id, undefined);
        work.addTask(task, input, copies);
        this.#states.noteTask(task.id, task.state);
        recorder?.changed("task", undefined, task);
        break;
      }
      case "createStep":
        this.#putStep(command.params.step);
        recorder?.changed("step", undefined, command.params.step);
        break;
      case "createRun":
        this.#putRun(command.params.run);
        recorder?.changed("run", undefined, command.params.run);
        break;
      case "attachWorker":
        work.agents.add(memory.attachWorker(command.params.session, at, journal));
        context.nodes?.begin(command.params.session);
        recorder?.changed("worker", undefined, command.params.session);
        break;
    }
  }

  /** Notes in a row what has nothing to do with its state. */
  #note(
    command: Extract<Command, { type: `note${string}` | "releaseKey" | "keepDeadLetter" | "addUsage" }>,
  ): void {
    const { type, params } = command;
    if (type === "noteInDoubt") this.#changeStep(params, (row) => ({ ...row, inDoubt: true }));
    else if (type === "noteCompensation") {
      this.#changeTask(params.taskId, { compensatedBy: params.compensatedBy });
    } else if (type === "noteCompensableBelow") this.#changeTask(params.taskId, { compensableBelow: true });
    else if (type === "noteBudget") {
      const { taskId, ...change } = params;
      this.#changeTask(taskId, change);
    } else if (type === "addUsage") this.#changeTask(params.taskId, (row) => taskUsage(row, params));
    else if (type === "keepDeadLetter") {
      this.#parts.context.work.putSingle("deadLetters", params.row);
      this.#changeTask(params.row.taskId, { hasDeadLetter: true });
    } else this.#changeTask(params.taskId, { ownsKey: false });
  }

  /** Sends a message to a lifecycle machine; the resulting commands are carried out before any other. */
  #advance(command: Extract<Command, { type: `advance${string}` }>): void {
    const { context, recorder } = this.#parts;
    const { work, memory } = context;
    switch (command.type) {
      case "advanceTask": {
        const before = work.task(command.params.taskId);
        invariant(before, `task ${command.params.taskId} is advanced but was not loaded`);
        const [after, commands] = advanceTask(before, command.params.message);
        recorder?.advanced("task", before, after, command.params.message);
        if (after !== before) this.#putTask(after);
        this.#carryOutAll(commands);
        if (after !== before) this.#states.noteTask(after.id, after.state);
        break;
      }
      case "advanceStep": {
        const before = work.step(command.params);
        invariant(before, `step ${stepKey(command.params)} is advanced but was not loaded`);
        const [after, commands] = advanceStep(before, command.params.message);
        recorder?.advanced("step", before, after, command.params.message);
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
        recorder?.advanced("run", before, after, command.params.message);
        if (after !== before) this.#putRun(after);
        this.#carryOutAll(commands);
        break;
      }
      case "advanceWorker": {
        const before = memory.roster.get(command.params.session);
        if (!before) return; // the session is gone, and with it whatever it should hear
        const [after, commands] = advanceWorker(before, command.params.message);
        recorder?.advanced("worker", before, after, command.params.message);
        if (after !== before) {
          work.agents.add(memory.followWorker(before, after, this.#parts.at, this.#parts.journal));
          context.nodes?.follow(after, command.params.message);
        }
        this.#carryOutAll(commands);
        break;
      }
    }
    recorder?.resume();
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

  #changeTask(id: TaskId, change: Partial<TaskRow> | ((row: TaskRow) => Partial<TaskRow>)): void {
    const before = this.#parts.context.work.task(id);
    invariant(before, `task ${id} is changed but was not loaded`);
    const after = { ...before, ...(typeof change === "function" ? change(before) : change) };
    this.#parts.recorder?.changed("task", before, after);
    this.#putTask(after);
  }

  #putTask(row: TaskRow): void {
    const { work } = this.#parts.context;
    if (!this.#changed.tasks.has(row.id)) {
      const before = work.task(row.id);
      this.#changed.tasks.set(row.id, before);
      if (before) this.#states.noteTask(before.id, before.state);
    }
    work.putTask(row);
  }

  #changeStep(key: StepKey, change: (row: StepRow) => StepRow): void {
    const row = this.#parts.context.work.step(key);
    invariant(row, `step ${stepKey(key)} is changed but was not loaded`);
    const after = change(row);
    this.#parts.recorder?.changed("step", row, after);
    this.#putStep(after);
  }

  readonly #putStep = (row: StepRow): void => {
    const { work } = this.#parts.context;
    const key = { taskId: row.taskId, stepName: row.name };
    const name = stepKey(key);
    if (!this.#changed.steps.has(name)) this.#changed.steps.set(name, { before: work.step(key), ...key });
    work.putStep(row);
  };

  readonly #putRun = (row: RunRow): void => {
    const { work, nodes } = this.#parts.context;
    if (!this.#changed.runs.has(row.id)) this.#changed.runs.set(row.id, work.run(row.id));
    work.putRun(nodes ? nodes.named(row) : row);
  };
}
