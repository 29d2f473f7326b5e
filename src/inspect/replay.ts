import type { MachineId } from "#actors/machines";
import { ROOT } from "./names.js";
import { type InspectedContext, PROTOCOL_VERSION, type StatelyEvent } from "./protocol.js";
import { definitionText, isEnd, messageBetween, stateIn, statusOf } from "./replay-machines.js";

/** What is known of a Task beside its log. */
export interface ReplayedTask {
  readonly id: string;
  readonly namespace: string;
  /** Its template's name, or its agent's. */
  readonly name: string;
  readonly agentName: string;
  readonly createdAt: number;
  /** When it may begin, and when it times out; 0 is never. */
  readonly startAt: number;
  readonly timeoutAt: number;
  readonly parent?: { readonly taskId: string; readonly stepName: string };
  readonly compensates: string;
  readonly compensatedBy: string;
  readonly retryOf: string;
  /** By the name of a Step: how long its timer is, or its signal is waited for. */
  readonly waits: ReadonlyMap<string, number>;
}

/** A Step as its log has it. Times are Unix milliseconds, 0 if there is none. */
export interface ReplayedStep {
  readonly name: string;
  readonly state: string;
  readonly type: string;
  readonly agentName: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly losses: number;
  readonly maxLosses: number;
  readonly nextAttemptAt: number;
  readonly dependsOn: readonly string[];
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Empty if it is no Task of its own. */
  readonly childId: string;
}

/** A Run as the log has it. */
export interface ReplayedRun {
  readonly id: string;
  readonly stepName: string;
  readonly workerId: string;
  readonly status: string;
  readonly attempt: number;
  readonly fence: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly reason: string;
}

/** An entry of a Task's log, as far as it is about states. */
export type ReplayedEntry = { readonly at: number } & (
  | { readonly type: "task"; readonly state: string; readonly hasRun?: boolean; readonly reason: string }
  | { readonly type: "step"; readonly step: ReplayedStep }
  | { readonly type: "run"; readonly run: ReplayedRun }
);

interface Known {
  readonly value: unknown;
  readonly state: string;
}

/**
 * Makes inspection events of a Task's log: those that a viewer would have got, as far as the log tells. It has every state, and
 * not who sent which message: a message is named where only one leads from the state before to the one after.
 */
export class Replay {
  readonly #task: ReplayedTask;
  readonly #known = new Map<string, Known>();
  readonly #counts = new Map<string, number>();
  #hasRun = false;
  #reason = "";
  #count = 0;

  constructor(task: ReplayedTask) {
    this.#task = task;
  }

  /** The events before the log's first entry: the Task is created. */
  begin(): readonly StatelyEvent[] {
    const { id, name, createdAt, parent } = this.#task;
    const parentId = parent ? `step:${parent.taskId}/${parent.stepName}` : undefined;
    return [
      this.#actor(`task:${id}`, name, parentId, "task", "pending", this.#taskContext("pending"), createdAt),
    ];
  }

  /** The events of the next entry of the log. */
  next(entry: ReplayedEntry): readonly StatelyEvent[] {
    switch (entry.type) {
      case "task": {
        const id = `task:${this.#task.id}`;
        const hasRun = entry.hasRun ?? this.#hasRun;
        // A log begins with the state in which the Task was created.
        if (entry.state === this.#known.get(id)?.state && hasRun === this.#hasRun) return [];
        this.#hasRun = hasRun;
        this.#reason = entry.reason;
        return this.#changed(
          `task:${this.#task.id}`,
          "task",
          entry.state,
          this.#taskContext(entry.state),
          entry.at,
        );
      }
      case "step":
        return this.#step(entry.step, entry.at);
      case "run":
        return this.#run(entry.run, entry.at);
    }
  }

  #step(step: ReplayedStep, at: number): readonly StatelyEvent[] {
    const { id: taskId } = this.#task;
    const id = `step:${taskId}/${step.name}`;
    const before = this.#known.get(id)?.state;
    if (before !== undefined) this.#counts.set(before, (this.#counts.get(before) ?? 0) - 1);
    this.#counts.set(step.state, (this.#counts.get(step.state) ?? 0) + 1);
    const context = this.#stepContext(step, at);
    if (before !== undefined) return this.#changed(id, "step", step.state, context, at);
    return [this.#actor(id, step.name, `task:${taskId}`, "step", step.state, context, at)];
  }

  #run(run: ReplayedRun, at: number): readonly StatelyEvent[] {
    const { id: runId, stepName, workerId, attempt, fence, status, reason, startedAt, finishedAt } = run;
    const { id: taskId } = this.#task;
    const id = `run:${runId}`;
    const isOver = status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
    const value = { status, hold: isOver ? "released" : "held" };
    const context = said({
      runId,
      taskId,
      stepName,
      workerId,
      attempt,
      fence,
      startedAt,
      finishedAt,
      reason,
    });
    if (this.#known.has(id)) return this.#changed(id, "run", value, context, at);
    return [this.#actor(id, `run ${fence}`, `step:${taskId}/${stepName}`, "run", value, context, at)];
  }

  #taskContext(state: string): InspectedContext {
    const { id: taskId, namespace, agentName, createdAt, startAt, timeoutAt } = this.#task;
    const { parent, compensates, compensatedBy, retryOf } = this.#task;
    const isOver = isEnd("task", state);
    const deadlines = [
      ...(state === "pending" && startAt > createdAt ? [{ kind: "start", at: startAt }] : []),
      ...(!isOver && timeoutAt > 0 ? [{ kind: "timeout", at: timeoutAt }] : []),
    ];
    return said({
      taskId,
      namespace,
      agentName,
      counts: Object.fromEntries([...this.#counts].filter(([, count]) => count > 0)),
      hasRun: this.#hasRun,
      deadlines,
      createdAt,
      reason: this.#reason,
      parent,
      compensates,
      // That there is another one is known since the end of this one.
      compensatedBy: isOver ? compensatedBy : "",
      retryOf,
    });
  }

  #stepContext(step: ReplayedStep, at: number): InspectedContext {
    const {
      name: stepName,
      type,
      agentName,
      attempts,
      maxAttempts,
      losses,
      maxLosses,
      childId,
      state,
    } = step;
    const wait = this.#task.waits.get(stepName) ?? 0;
    const ownDeadline =
      state === "in_progress" && wait > 0 && (type === "timer" || type === "signal")
        ? [{ kind: type, at: (step.startedAt || at) + wait }]
        : [];
    const retry = step.nextAttemptAt > 0 ? [{ kind: "retry", at: step.nextAttemptAt }] : [];
    return said({
      taskId: this.#task.id,
      stepName,
      type,
      agentName,
      dependencies: step.dependsOn.length,
      attempts,
      maxAttempts,
      losses,
      maxLosses,
      deadlines: [...ownDeadline, ...retry],
      childId,
      startedAt: step.startedAt,
      finishedAt: step.finishedAt,
    });
  }

  #actor(
    sessionId: string,
    name: string,
    parentId: string | undefined,
    machine: MachineId,
    value: unknown,
    context: InspectedContext,
    at: number,
  ): StatelyEvent {
    this.#known.set(sessionId, { value, state: stateIn(value) });
    return {
      type: "@xstate.actor",
      name,
      parentId,
      definition: definitionText(machine),
      snapshot: { status: statusOf(machine, value), value, context },
      ...this.#base(sessionId, at),
    };
  }

  #changed(
    sessionId: string,
    machine: MachineId,
    value: unknown,
    context: InspectedContext,
    at: number,
  ): readonly StatelyEvent[] {
    const before = this.#known.get(sessionId);
    this.#known.set(sessionId, { value, state: stateIn(value) });
    const message = before ? messageBetween(machine, before.state, stateIn(value), context) : "";
    const event = { type: message === "" ? LOGGED : message };
    const snapshot = { status: statusOf(machine, value), value, context };
    return [{ type: "@xstate.snapshot", event, snapshot, ...this.#base(sessionId, at) }];
  }

  #base(sessionId: string, at: number) {
    this.#count += 1;
    const id = String(this.#count);
    return { sessionId, rootId: ROOT, createdAt: String(at), id, _version: PROTOCOL_VERSION } as const;
  }
}

/** The message of a change whose own message the log does not tell. */
export const LOGGED = "logged";

function said(fields: Readonly<Record<string, unknown>>): InspectedContext {
  const isNothing = ([name, value]: [string, unknown]) =>
    value === "" ||
    value === undefined ||
    (value === 0 && /At$/.test(name)) ||
    (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter((entry) => !isNothing(entry)));
}
