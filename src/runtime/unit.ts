import type { Answer, Ask, Told } from "#actors/asks";
import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant, unreachable } from "#domain/invariant";
import { limits } from "#domain/limits";
import { type RunRow, runSummary } from "#domain/run";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskRow } from "#domain/task";
import { type Instant, NEVER } from "#domain/time";
import type { Needs } from "#ports/store";
import type { Actors } from "./actors.js";
import type { Core } from "./core.js";
import type { Deciding } from "./culprit.js";
import { boundedSend } from "./effect.js";
import { needsOf } from "./gather.js";
import type { Journal } from "./journal.js";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "./lifecycles.js";
import type { Scene } from "./scene.js";
import { sendOrEnd } from "./send-assignment.js";
import { recordEnd, recordStep, StateHistory } from "./state-history.js";
import { tied, withInput } from "./step-changes.js";

export interface UnitParts {
  readonly core: Pick<Core, "terms" | "telemetry">;
  readonly scene: Scene;
  readonly actors: Actors;
  readonly journal: Journal;
  readonly at: Instant;
  readonly draw: () => number;
  /** Loads what the turn has not seen yet; does nothing, at once, if that is nothing. */
  readonly see: (needs: Needs) => Promise<void> | undefined;
}

/**
 * One outside message and all that follows from it, taken to its end: the actor it is for decides,
 * what it asks for is carried out, and so on until no actor has more to say. Then indexes and log
 * follow from the rows that changed.
 */
export class Unit {
  readonly #parts: UnitParts;
  readonly #untold: Told[] = [];
  /** Rows as they were before the unit. */
  readonly #tasks = new Map<TaskId, TaskRow | undefined>();
  readonly #steps = new Map<
    string,
    { readonly before: StepRow | undefined; readonly taskId: TaskId; readonly stepName: string }
  >();
  readonly #runs = new Map<RunId, RunRow | undefined>();
  readonly #states = new StateHistory();
  #told: Told | undefined;
  #ask: Ask | undefined;
  answer: Answer | undefined;

  constructor(parts: UnitParts) {
    this.#parts = parts;
  }

  /** What is being decided: after a failure, what to blame. */
  get deciding(): Deciding {
    return { told: this.#told, ask: this.#ask };
  }

  async decide(first: Told): Promise<void> {
    const { scene, actors, journal, at, draw } = this.#parts;
    this.#untold.push(first);
    let count = 0;
    for (let told = this.#untold.shift(); told; told = this.#untold.shift()) {
      this.#told = told;
      this.#ask = undefined;
      count += 1;
      invariant(count <= limits.unitMessages, `${first.message.type} leads to messages without end`);
      const looking = this.#look(told);
      if (looking) await looking;
      this.#all(actors.tell(told, scene, { at, draw: draw() }, journal));
    }
    this.#settle();
  }

  /** Rows say which further rows matter: a Step its dependants, a batch its next member. Undefined if all are here. */
  #look(told: Told): Promise<void> | undefined {
    const { scene, see } = this.#parts;
    const loading = see(needsOf(told, scene));
    return loading && this.#lookOn(told, loading);
  }

  async #lookOn(told: Told, loading: Promise<void>): Promise<void> {
    const { scene, see } = this.#parts;
    let more: Promise<void> | undefined = loading;
    for (let round = 0; more && round < ROUNDS; round += 1) {
      await more;
      more = see(needsOf(told, scene));
    }
    await more;
  }

  #carryOut(ask: Ask): void {
    const { work, memory } = this.#parts.scene;
    switch (ask.type) {
      case "createTask":
        this.#tasks.set(ask.params.task.id, undefined);
        work.addTask(ask.params.task, ask.params.input);
        this.#states.noteTask(ask.params.task.id, ask.params.task.state);
        break;
      case "pass":
        this.#states.noteTask(ask.params.taskId, ask.params.state);
        break;
      case "noteCompensation":
        this.#changeTask(ask.params.taskId, { compensatedBy: ask.params.compensatedBy });
        break;
      case "releaseKey":
        this.#changeTask(ask.params.taskId, { holdsKey: false });
        break;
      case "tieStep":
        this.#changeStep(ask.params, (row) => tied(row, ask.params));
        break;
      case "keepTemplate":
        work.addTemplate(ask.params.template);
        memory.addTemplate(ask.params.template.namespace, this.#parts.journal);
        break;
      case "keepInput":
        work.keepInput(ask.params);
        this.#changeStep(ask.params, (row) => withInput(row, ask.params.json));
        break;
      case "createStep":
        this.#putStep(ask.params.step);
        break;
      case "createRun":
        this.#putRun(ask.params.run);
        break;
      case "attachWorker":
        memory.roster.attach(ask.params.session, this.#parts.journal);
        break;
      case "advanceTask":
      case "advanceStep":
      case "advanceRun":
      case "advanceWorker":
        this.#advance(ask);
        break;
      case "keepOutput":
        work.keepOutput(ask.params);
        break;
      case "record":
        work.record(ask.params.taskId, ask.params.entry);
        break;
      case "setDeadline":
      case "clearDeadline":
        work.setDeadline({ at: NEVER, ...ask.params });
        break;
      case "tell":
        this.#untold.push(ask.params);
        break;
      case "reply":
        this.answer = ask.params.answer;
        break;
      case "sendAssignment":
        this.#carryOut(sendOrEnd(ask.params.runId, this.#parts));
        break;
      case "send":
        work.effect(boundedSend(ask));
        break;
      case "disconnect":
      case "countRefused":
        work.effect(ask);
        break;
      default:
        unreachable(ask, "an ask nobody carries out");
    }
  }

  /** Gives a message to a lifecycle; what that asks for is carried out before anything else. */
  #advance(ask: Extract<Ask, { type: `advance${string}` }>): void {
    const { work, memory } = this.#parts.scene;
    switch (ask.type) {
      case "advanceTask": {
        const before = work.task(ask.params.taskId);
        invariant(before, `task ${ask.params.taskId} is advanced but was not loaded`);
        const [after, asks] = advanceTask(before, ask.params.message);
        if (after !== before) this.#putTask(after);
        this.#all(asks);
        if (after !== before) this.#states.noteTask(after.id, after.state);
        break;
      }
      case "advanceStep": {
        const before = work.step(ask.params);
        invariant(before, `step ${stepKey(ask.params)} is advanced but was not loaded`);
        const [after, asks] = advanceStep(before, ask.params.message);
        if (after !== before) this.#putStep(after);
        if (after.state !== before.state) this.#states.noteStep(after);
        this.#all(asks);
        break;
      }
      case "advanceRun": {
        const before = work.run(ask.params.runId);
        invariant(before, `run ${ask.params.runId} is advanced but was not loaded`);
        const [after, asks] = advanceRun(before, ask.params.message);
        if (after !== before) this.#putRun(after);
        this.#all(asks);
        break;
      }
      case "advanceWorker": {
        const before = memory.roster.get(ask.params.session);
        if (!before) return; // the session is gone, and with it whatever it should hear
        const [after, asks] = advanceWorker(before, ask.params.message);
        if (after !== before) memory.roster.update(after, this.#parts.journal);
        this.#all(asks);
        break;
      }
    }
  }

  #all(asks: readonly Ask[]): void {
    for (const ask of asks) {
      this.#ask = ask;
      this.#carryOut(ask);
    }
  }

  #changeTask(id: TaskId, change: Partial<TaskRow>): void {
    const before = this.#parts.scene.work.task(id);
    invariant(before, `task ${id} is changed but was not loaded`);
    this.#putTask({ ...before, ...change });
  }

  #putTask(row: TaskRow): void {
    const { work } = this.#parts.scene;
    if (!this.#tasks.has(row.id)) {
      const before = work.task(row.id);
      this.#tasks.set(row.id, before);
      if (before) this.#states.noteTask(before.id, before.state);
    }
    work.putTask(row);
  }

  #changeStep(key: StepKey, change: (row: StepRow) => StepRow): void {
    const row = this.#parts.scene.work.step(key);
    invariant(row, `step ${stepKey(key)} is changed but was not loaded`);
    this.#putStep(change(row));
  }

  #putStep(row: StepRow): void {
    const { work } = this.#parts.scene;
    const key = { taskId: row.taskId, stepName: row.name };
    const name = stepKey(key);
    if (!this.#steps.has(name)) this.#steps.set(name, { before: work.step(key), ...key });
    work.putStep(row);
  }

  #putRun(row: RunRow): void {
    const { work } = this.#parts.scene;
    if (!this.#runs.has(row.id)) this.#runs.set(row.id, work.run(row.id));
    work.putRun(row);
  }

  /** What the changed rows mean for memory and for the log. A Task's own changes are its unit's last lines, or its first ever. */
  #settle(): void {
    const { scene, journal, at } = this.#parts;
    const { work, memory } = scene;
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
      if (lane) work.addLane(lane);
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

/** A message's rows, what they point to, and twice what that points to: no message needs more. */
const ROUNDS = 4;
