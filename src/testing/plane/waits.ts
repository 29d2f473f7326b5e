import type { SessionId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { type Book, type BookedTask, dueAt } from "./book.js";
import { spanText } from "./span.js";

/** What is known of the workers of a plane. */
export interface WorkersSeen {
  /** Ids of the workers that serve this agent and can be assigned to. */
  serving(agentName: string): readonly string[];
  /** Why a worker can report nothing, e.g. `killed`; undefined if it can. */
  troubleOf(workerId: string): string | undefined;
  /** When the lease of a session ends. */
  leaseEnd(session: SessionId): Instant;
}

/** Finds what a Task waits for, in sentences that say the way on. */
export class Waits {
  readonly #book: Book;
  readonly #workers: WorkersSeen;
  readonly #now: () => Instant;

  constructor(book: Book, workers: WorkersSeen, now: () => Instant) {
    this.#book = book;
    this.#workers = workers;
    this.#now = now;
  }

  /** Empty if nothing is known that it waits for. */
  of(taskId: string): readonly string[] {
    const task = this.#book.of(taskId);
    if (!task || isTerminal(task.row.state)) return [];
    const start = dueAt(task, "start");
    if (start !== undefined) return [`it begins ${this.#in(start)}`];
    const operator = `it waits for an operator: ${resolveCall(taskId)}`;
    const whole = task.row.state === "blocked_by_failures" ? [operator] : [];
    const steps = [...task.steps.values()].flatMap((step) => this.#stepWaits(task, step) ?? []);
    return [...whole, ...steps.map((text) => text)];
  }

  #stepWaits(task: BookedTask, step: StepRow): string | undefined {
    if (step.unsatisfied > 0) return undefined;
    const text = this.#textOf(task, step);
    return text === undefined ? undefined : `Step ${step.name} ${text}`;
  }

  #textOf(task: BookedTask, step: StepRow): string | undefined {
    const { name, state, attempts, agentName, nextAttemptAt } = step;
    const retry = dueAt(task, "retry", name);
    if (state === "waiting_for_retry" && retry !== undefined) {
      return `waits for attempt ${attempts + 1} ${this.#in(retry)}`;
    }
    if (state === "enqueued" && agentName !== "") {
      if (nextAttemptAt > this.#now()) return `is assigned again ${this.#in(nextAttemptAt)}`;
      return this.#workerWait(step);
    }
    if (state !== "in_progress") return undefined;
    return agentName === "" ? this.#ownWait(task, step) : this.#runWait(step);
  }

  #workerWait({ agentName, avoidWorker, avoidUntil }: StepRow): string {
    const serving = this.#workers.serving(agentName);
    if (serving.length === 0) {
      return `waits for a worker: none that is connected serves agent "${agentName}"; call plane.serve({ agents }), or start() or reconnect() of a worker`;
    }
    if (avoidWorker !== "" && avoidUntil > this.#now()) {
      return `avoids worker ${avoidWorker}, and is assigned again ${this.#in(avoidUntil)}`;
    }
    return `waits for a free slot of ${serving.join(", ")}, or for a worker that its selector and namespace match`;
  }

  #runWait({ runId, agentName }: StepRow): string {
    const run = this.#book.run(runId);
    const trouble = run && this.#workers.troubleOf(run.workerId);
    if (run && trouble !== undefined) {
      const lost = this.#workers.leaseEnd(run.session);
      return `is held by worker ${run.workerId}, which is ${trouble}; it is lost ${this.#in(lost)}`;
    }
    return `runs: agent "${agentName}" has not returned. If it works in real time, raise agentPatienceMs; if it waits for its signal, let the time pass that aborts it`;
  }

  #ownWait(task: BookedTask, { name, spec, childId }: StepRow): string {
    if (spec.signal) {
      const call = `plane.client.tasks.signal("${task.row.id}", ${JSON.stringify(spec.signal.name)}, payload)`;
      const until = dueAt(task, "signal", name);
      const orElse = until === undefined ? "" : `, or for the end of its wait ${this.#in(until)}`;
      return `waits for signal "${spec.signal.name}": ${call}${orElse}`;
    }
    const timer = dueAt(task, "timer", name);
    if (timer !== undefined) return `waits for its timer ${this.#in(timer)}`;
    if (childId !== "") {
      const inner = this.of(childId);
      return `waits for ${this.#book.nameOf(childId)}${inner.length > 0 ? `: ${inner.join("; ")}` : ""}`;
    }
    return "waits for the Steps that it has created";
  }

  #in(at: Instant): string {
    const left = spanText(Math.max(0, at - this.#now()));
    return `in ${left}: await plane.advance("${compact(at - this.#now())}")`;
  }
}

/** As `plane.advance` reads it: in the largest unit that divides it. */
function compact(ms: number): string {
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const) {
    if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.max(0, ms)}ms`;
}

function resolveCall(taskId: string): string {
  return `plane.client.tasks.resolveStep("${taskId}", step, { action: "retry" })`;
}
