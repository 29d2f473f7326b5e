import type { TaskId } from "#domain/id";
import { deadLetterReasonNames } from "#domain/task/dead-letter";
import { liveStates, type StaleTerms } from "#domain/task/staleness";
import { instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { LabelledValue } from "#ports/telemetry";
import { assess } from "../staleness.js";
import type { Supervisor } from "../supervisor.js";

/**
 * Looks for Tasks that have rested for too long, every `limits.staleEvery`, and has the finalizer decide on each. Costs nothing on
 * the way of a Task: it reads a bounded number of rows at a time, and goes on where it has stopped. Every node may do it: a Task gets
 * its dead letter once, by the revisions of its rows. Call `start` once, and `stop` at the end.
 */
export class StaleTasks {
  readonly #supervisor: Supervisor;
  readonly #terms: StaleTerms;
  /** Pending dead letters by reason, as they were counted last. */
  #pending: readonly LabelledValue[] = [];
  #before: TaskId | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(supervisor: Supervisor, terms: StaleTerms) {
    this.#supervisor = supervisor;
    this.#terms = terms;
    supervisor.core.telemetry.gauge("taskrun_dead_letters_pending", () => this.#pending);
  }

  start(): void {
    const { clock } = this.#supervisor.core;
    if (this.#stopped) return;
    this.#cancel = clock.wakeAt(later(clock.now(), limits.staleEvery), () => void this.#sweepAndGoOn());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Looks at as many Tasks as one round may, those that are too young to be stale left out. Returns how many it told of. */
  async sweep(): Promise<number> {
    const { clock, store } = this.#supervisor.core;
    // A template may have a threshold of a minute.
    const least = Math.min(...Object.values(this.#terms), LEAST_OF_TEMPLATE);
    const youngest = instant(Math.max(0, clock.now() - least));
    const filter = { namespaces: "*", states: liveStates, createdBefore: youngest } as const;
    let told = 0;
    for (let page = 0; page < limits.stalePages && !this.#stopped; page += 1) {
      const { tasks, next } = await store.reads.tasks(filter, this.#before, limits.stalePage);
      for (const { id } of tasks) told += Number(await this.#look(id));
      this.#before = next;
      if (next === undefined) break;
      await clock.yield();
    }
    return told;
  }

  /** Counts what is pending, for the metrics. */
  async count(): Promise<void> {
    const { counts } = await this.#supervisor.core.store.reads.deadLetters.count(
      "*",
      limits.deadLettersCounted,
    );
    const pending = counts.filter(({ status }) => status === "PENDING");
    this.#pending = deadLetterReasonNames.map((reason) => ({
      labels: { reason },
      value: pending.find((each) => each.reason === reason)?.count ?? 0,
    }));
  }

  /** True if the finalizer is told. */
  async #look(id: TaskId): Promise<boolean> {
    const { core } = this.#supervisor;
    const { reads } = core.store;
    const detail = await reads.task(id);
    if (!detail) return false;
    const { staleness, terms, isPaused } = await assess(core, this.#terms, detail);
    if (staleness?.health !== "STALE") return false;
    if (detail.task.hasDeadLetter) {
      const letter = await reads.deadLetters.get(id, "*");
      if (letter?.status === "PENDING") return false;
    }
    const paused = detail.steps.filter((step) => isPaused(detail.task, step));
    const pausedSteps = paused.map(({ name }) => name);
    const message = { type: "task.stale", taskId: id, terms, pausedSteps } as const;
    return this.#supervisor.post({ to: "task-finalizer", message, source: "timer", weight: 0 });
  }

  async #sweepAndGoOn(): Promise<void> {
    try {
      if (this.#supervisor.serving) {
        await this.sweep();
        await this.count();
      }
    } catch (error) {
      const { log } = this.#supervisor.core.telemetry;
      log.warn("stale tasks could not be looked for; trying again later", { err: error });
    }
    this.start();
  }
}

const LEAST_OF_TEMPLATE = 60_000;
