import type { RunId, SessionId } from "#domain/id";
import { stepKey } from "#domain/id";
import { isOver, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { deadlineOf } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { BrokenPromise } from "../mirror.js";
import type { SimClient } from "../sim-client.js";
import type { SimWorker } from "../sim-worker.js";
import type { Incarnation } from "../sim-world.js";
import type { NodesWorld } from "./world.js";

/** What every node has to have noticed once all have been well for so long: the lease of a dead one, and a poll. */
const NOTICED_MS = 25_000;
/** What wants to be told may wait for one poll, and for the calls before and after it. */
const TOLD_MS = 5_000 + 2_000;
/** A ready Step may have been claimed by a node that could not assign it, too. */
const ASSIGNED_MS = TOLD_MS + 5_000;
/** A deadline may have been claimed by a node that died. */
const DUE_MS = TOLD_MS + 30_000;

/**
 * In good weather nothing waits for want of a wake-up, whatever happened to the wakes: a ready Step for a free worker that is
 * connected somewhere, a worker for the cancel of its Run, a watcher for the log, a Task for its end by a timeout.
 */
export class Promptness {
  readonly #world: NodesWorld;
  readonly #workers: readonly SimWorker[];
  readonly #client: SimClient;
  /** Since when something waits, by what it is. */
  #since = new Map<string, number>();
  #wellSince: number;

  constructor(world: NodesWorld, workers: readonly SimWorker[], client: SimClient) {
    this.#world = world;
    this.#workers = workers;
    this.#client = client;
    this.#wellSince = world.clock.now();
  }

  /** Call every second. @throws what has waited for too long */
  readonly look = (): void => {
    const now = this.#world.clock.now();
    if (!this.#world.isWell) this.#wellSince = now + 1;
    if (now - this.#wellSince < NOTICED_MS) {
      this.#since = new Map();
      return;
    }
    const waiting = new Map<string, number>();
    for (const [what, mostMs] of this.#waiting(now)) {
      const since = this.#since.get(what) ?? now;
      if (now - since > mostMs) throw new BrokenPromise(`${what} for ${now - since} ms`);
      waiting.set(what, since);
    }
    this.#since = waiting;
  };

  *#waiting(now: number): Iterable<[string, number]> {
    yield* this.#readySteps(now);
    yield* this.#cancels();
    yield* this.#watchers();
    for (const task of this.#world.mirror.tasks.values()) {
      const at = deadlineOf(task);
      if (at !== NEVER && at < now && !this.#world.taskEnded(task.id)) {
        yield [`the timeout of ${task.id} has waited`, DUE_MS];
      }
    }
  }

  *#readySteps(now: number): Iterable<[string, number]> {
    const { mirror } = this.#world;
    const ready = [...mirror.steps.values()].filter((step) => isReady(step, now));
    if (ready.length === 0) return;
    const held = new Map<SessionId, number>();
    for (const { heldBy } of mirror.runs.values()) {
      if (heldBy !== "") held.set(heldBy, (held.get(heldBy) ?? 0) + 1);
    }
    for (const { id, at } of this.#connected()) {
      if ((held.get(at.session) ?? 0) >= this.#world.weather.capacity) continue;
      for (const step of ready) {
        if (step.avoidWorker === id && step.avoidUntil > now) continue;
        yield [
          `step ${stepKey({ taskId: step.taskId, stepName: step.name })} has waited for ${id}`,
          ASSIGNED_MS,
        ];
      }
    }
  }

  *#cancels(): Iterable<[string, number]> {
    const sessions = new Map([...this.#connected()].map(({ id, at }) => [at.session, id]));
    for (const run of this.#world.mirror.runs.values()) {
      const worker = untold(run, this.#world.mirror.cancelled) && sessions.get(run.heldBy as SessionId);
      if (worker) yield [`${worker} has waited for the cancel of run ${run.id}`, TOLD_MS];
    }
  }

  *#watchers(): Iterable<[string, number]> {
    for (const [i, { taskId, entries, waits }] of this.#client.watched.entries()) {
      const log = this.#world.mirror.logs.get(taskId) ?? [];
      if (!waits || !isServing(waits.at) || log.length === entries.length) continue;
      yield [`watcher ${i} of ${taskId} has waited at ${entries.length}`, TOLD_MS];
    }
  }

  *#connected(): Iterable<{ readonly id: string; readonly at: NonNullable<SimWorker["at"]> }> {
    for (const { id, at } of this.#workers) if (at && isServing(at.plane)) yield { id, at };
  }
}

function isServing({ life }: Incarnation): boolean {
  return life.alive && !life.awake;
}

function isReady(step: StepRow, now: number): boolean {
  return step.state === "enqueued" && step.agentName === "echo" && step.nextAttemptAt <= now;
}

function untold(run: RunRow, told: ReadonlySet<RunId>): boolean {
  return isOver(run.status) && run.heldBy !== "" && !told.has(run.id);
}
