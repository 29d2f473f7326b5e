import type { AddressedMessage, Answer, Command } from "#actors/commands";
import { stepKey } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { Needs } from "#domain/needs";
import { NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { needsOf } from "../machines/actors.js";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "../machines/lifecycles.js";
import { StateHistory } from "../machines/state-history.js";
import { unseen } from "../memory/rows-seen.js";
import { CascadeRows } from "./cascade-rows.js";
import { applyChanges } from "./changed-rows.js";
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
  readonly #states = new StateHistory();
  readonly #rows: CascadeRows;
  #current: AddressedMessage | undefined;
  #command: Command | undefined;
  answer: Answer | undefined;

  constructor(parts: CascadeParts) {
    this.#parts = parts;
    this.#rows = new CascadeRows(parts, this.#states);
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
    applyChanges(this.#rows.changed, this.#states, this.#parts);
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
      case "noteCompensation":
      case "noteCompensableBelow":
      case "noteInDoubt":
      case "noteJournal":
      case "noteSignals":
      case "releaseKey":
      case "keepDeadLetter":
      case "addUsage":
      case "noteBudget":
      case "addDependencies":
      case "keepInput":
      case "keepOutput":
      case "keepActions":
      case "keepRecord":
        this.#rows.keep(command);
        break;
      case "pass":
        this.#states.noteTask(command.params.taskId, command.params.state);
        break;
      case "advanceTask":
      case "advanceStep":
      case "advanceRun":
      case "advanceWorker":
        this.#advance(command);
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
        carryOutRest(command, this.#parts, this.#rows.putRun, this.#rows.putStep);
    }
  }

  #create(command: Creation): void {
    const { context, journal, at, recorder } = this.#parts;
    const { work, memory } = context;
    switch (command.type) {
      case "createTask": {
        const { task, input, copies } = command.params;
        this.#rows.changed.tasks.set(task.id, undefined);
        work.addTask(task, input, copies);
        this.#states.noteTask(task.id, task.state);
        recorder?.changed("task", undefined, task);
        break;
      }
      case "createStep":
        this.#rows.putStep(command.params.step);
        recorder?.changed("step", undefined, command.params.step);
        break;
      case "createRun":
        this.#rows.putRun(command.params.run);
        recorder?.changed("run", undefined, command.params.run);
        break;
      case "attachWorker":
        work.agents.add(memory.attachWorker(command.params.session, at, journal));
        context.nodes?.begin(command.params.session);
        recorder?.changed("worker", undefined, command.params.session);
        break;
    }
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
        if (after !== before) this.#rows.putTask(after);
        this.#carryOutAll(commands);
        if (after !== before) this.#states.noteTask(after.id, after.state);
        break;
      }
      case "advanceStep": {
        const before = work.step(command.params);
        invariant(before, `step ${stepKey(command.params)} is advanced but was not loaded`);
        const [after, commands] = advanceStep(before, command.params.message);
        recorder?.advanced("step", before, after, command.params.message);
        if (after !== before) this.#rows.putStep(after);
        if (after.state !== before.state) {
          this.#states.noteStep(after);
          this.#rows.countInEnded(before, after);
        }
        this.#carryOutAll(commands);
        break;
      }
      case "advanceRun": {
        const before = work.run(command.params.runId);
        invariant(before, `run ${command.params.runId} is advanced but was not loaded`);
        const [after, commands] = advanceRun(before, command.params.message);
        recorder?.advanced("run", before, after, command.params.message);
        if (after !== before) this.#rows.putRun(after);
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
}
