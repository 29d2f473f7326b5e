import type { Answer, Ask, Told } from "#actors/asks";
import { type RunId, stepKey, type TaskId } from "#domain/id";
import { invariant, unreachable } from "#domain/invariant";
import { type RunRow, runSummary } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { Needs } from "#ports/store";
import type { Actors } from "./actors.js";
import { needsOf, type Scene } from "./gather.js";
import type { Journal } from "./journal.js";
import { advanceRun, advanceStep, advanceTask, advanceWorker } from "./lifecycles.js";

export interface UnitParts {
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
  answer: Answer | undefined;

  constructor(parts: UnitParts) {
    this.#parts = parts;
  }

  async decide(first: Told): Promise<void> {
    const { scene, actors, journal, at, draw, see } = this.#parts;
    this.#untold.push(first);
    for (let told = this.#untold.shift(); told; told = this.#untold.shift()) {
      const loading = see(needsOf(told, scene.memory));
      if (loading) await loading;
      for (const ask of actors.tell(told, scene, { at, draw: draw() }, journal)) this.#carryOut(ask);
    }
    this.#settle();
  }

  #carryOut(ask: Ask): void {
    const { draft, memory } = this.#parts.scene;
    switch (ask.type) {
      case "createTask":
        this.#tasks.set(ask.params.task.id, undefined);
        return draft.addTask(ask.params.task, ask.params.input);
      case "createStep":
        return this.#putStep(ask.params.step);
      case "createRun":
        return this.#putRun(ask.params.run);
      case "attachWorker":
        return memory.roster.attach(ask.params.session, this.#parts.journal);
      case "advanceTask":
      case "advanceStep":
      case "advanceRun":
      case "advanceWorker":
        return this.#advance(ask);
      case "keepOutput":
        return draft.keepOutput(ask.params);
      case "record":
        return draft.record(ask.params.taskId, ask.params.entry);
      case "setDeadline":
        return draft.setDeadline(ask.params);
      case "clearDeadline":
        return draft.setDeadline({ ...ask.params, at: 0 as Instant });
      case "tell":
        this.#untold.push(ask.params);
        return;
      case "reply":
        this.answer = ask.params.answer;
        return;
      case "sendAssignment":
      case "send":
      case "disconnect":
      case "countRefused":
        return draft.effect(ask);
      default:
        return unreachable(ask, "an ask nobody carries out");
    }
  }

  /** Gives a message to a lifecycle; what that asks for is carried out before anything else. */
  #advance(ask: Extract<Ask, { type: `advance${string}` }>): void {
    const { draft, memory } = this.#parts.scene;
    switch (ask.type) {
      case "advanceTask": {
        const before = draft.task(ask.params.taskId);
        invariant(before, `task ${ask.params.taskId} is advanced but was not loaded`);
        const [after, asks] = advanceTask(before, ask.params.message);
        if (after !== before) this.#putTask(after);
        return this.#all(asks);
      }
      case "advanceStep": {
        const before = draft.step(ask.params);
        invariant(before, `step ${stepKey(ask.params)} is advanced but was not loaded`);
        const [after, asks] = advanceStep(before, ask.params.message);
        if (after !== before) this.#putStep(after);
        return this.#all(asks);
      }
      case "advanceRun": {
        const before = draft.run(ask.params.runId);
        invariant(before, `run ${ask.params.runId} is advanced but was not loaded`);
        const [after, asks] = advanceRun(before, ask.params.message);
        if (after !== before) this.#putRun(after);
        return this.#all(asks);
      }
      case "advanceWorker": {
        const before = memory.roster.get(ask.params.session);
        if (!before) return; // the session is gone, and with it whatever it should hear
        const [after, asks] = advanceWorker(before, ask.params.message);
        if (after !== before) memory.roster.update(after, this.#parts.journal);
        return this.#all(asks);
      }
    }
  }

  #all(asks: readonly Ask[]): void {
    for (const ask of asks) this.#carryOut(ask);
  }

  #putTask(row: TaskRow): void {
    const { draft } = this.#parts.scene;
    if (!this.#tasks.has(row.id)) this.#tasks.set(row.id, draft.task(row.id));
    draft.putTask(row);
  }

  #putStep(row: StepRow): void {
    const { draft } = this.#parts.scene;
    const key = { taskId: row.taskId, stepName: row.name };
    const name = stepKey(key);
    if (!this.#steps.has(name)) this.#steps.set(name, { before: draft.step(key), ...key });
    draft.putStep(row);
  }

  #putRun(row: RunRow): void {
    const { draft } = this.#parts.scene;
    if (!this.#runs.has(row.id)) this.#runs.set(row.id, draft.run(row.id));
    draft.putRun(row);
  }

  /** What the changed rows mean for memory and for the log; a Task's own change is its unit's last line. */
  #settle(): void {
    const { scene, journal, at } = this.#parts;
    const { draft, memory } = scene;
    for (const [id, before] of this.#runs) {
      const after = draft.run(id) as RunRow;
      memory.followRun(before, after, journal);
      journal.push(draft.changes.runs, { before, after });
      if (before?.status !== after.status)
        draft.record(after.taskId, { type: "run", at, run: runSummary(after) });
    }
    for (const { before, ...key } of this.#steps.values()) {
      const after = draft.step(key) as StepRow;
      const lane = memory.followStep(before, after, draft.task(key.taskId) as TaskRow, journal);
      if (lane) draft.addLane(lane);
      journal.push(draft.changes.steps, { before, after });
      if (before?.state !== after.state) draft.record(key.taskId, stepLine(after, at));
    }
    for (const [id, before] of this.#tasks) {
      const after = draft.task(id) as TaskRow;
      memory.followTask(before, after, journal);
      journal.push(draft.changes.tasks, { before, after });
      if (before?.state !== after.state || before.hasRun !== after.hasRun)
        draft.record(id, taskLine(after, at));
    }
  }
}

function stepLine(step: StepRow, at: Instant) {
  const { name, state, agentName, attempts, maxAttempts, nextAttemptAt, outputBytes, errorMessage } = step;
  return {
    type: "step",
    at,
    name,
    state,
    agentName,
    attempts,
    maxAttempts,
    nextAttemptAt,
    outputBytes,
    errorMessage,
  } as const;
}

function taskLine({ state, hasRun, finishedAt, reason, errorMessage }: TaskRow, at: Instant) {
  return { type: "task", at, state, hasRun, finishedAt, reason, errorMessage } as const;
}
