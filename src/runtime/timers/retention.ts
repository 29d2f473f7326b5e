import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { RetentionRule, RetentionTerms } from "#domain/task/retention";
import type { ClockStart } from "#domain/time/plane-time";
import { instant, later, type Millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { EXPORT_FAILED, type TaskArchive } from "#ports/archive";
import type { Store } from "#ports/store";
import type { Core } from "../core.js";
import type { FollowedTasks } from "../nodes/followed-tasks.js";

/** How long ended Tasks are kept: those that a rule is about, and all others. */
export interface RetentionKeeps {
  readonly others: Millis;
  readonly rules: readonly RetentionRule[];
  /** How long one is kept at least while its dead letter is pending. Default: until it is pending no more. */
  readonly pending?: Millis;
}

type Followers = Pick<FollowedTasks, "removed">;
type Sweeping = Pick<Core, "clock" | "telemetry"> & {
  readonly store: Pick<Store, "removeFinished" | "nodes">;
};

/**
 * Removes Tasks that ended long ago, every `limits.retentionEvery`, in small batches, so that no commit waits long
 * behind one; where nodes share the store, what is left of nodes and workers that are gone, too. Call `start` once, and `stop` at the end.
 */
export class Retention {
  readonly #core: Sweeping;
  readonly #followers: Followers;
  readonly #keep: RetentionKeeps;
  readonly #archive: TaskArchive | undefined;
  readonly #clockStart: ClockStart | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /**
   * @param followers told of each Task that is removed
   * @param keep how long an ended Task is kept, with its idempotency key; at least `limits.retentionMin`, by rules or alike
   * @param clockStart how plane time began
   * @param archive keeps what is removed; without it, or if it does, Tasks go
   */
  constructor(
    core: Sweeping,
    followers: Followers,
    keep: Millis | RetentionKeeps,
    clockStart?: ClockStart,
    archive?: TaskArchive,
  ) {
    this.#core = core;
    this.#followers = followers;
    this.#keep = typeof keep === "number" ? { others: keep, rules: [] } : keep;
    this.#archive = archive;
    this.#clockStart = clockStart;
  }

  start(): void {
    const { clock } = this.#core;
    if (!this.#stopped)
      this.#cancel = clock.wakeAt(later(clock.now(), limits.retentionEvery), () => void this.#sweepAndGoOn());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Removes what is old enough now, up to a bound. Returns how many Tasks were removed. */
  async sweep(): Promise<number> {
    const { clock, store, telemetry } = this.#core;
    const terms = this.#terms();
    const archive =
      this.#archive && ((ids: readonly TaskId[]) => this.#archive?.put(ids) ?? Promise.resolve());
    let sum = 0;
    for (let batch = 0; batch < limits.retentionBatches && !this.#stopped; batch += 1) {
      const removed = await store.removeFinished(terms, limits.retentionBatch, archive);
      for (const taskId of removed) this.#followers.removed(taskId);
      sum += removed.length;
      // With rules a batch may be short because many Tasks have to be kept: what is due is behind them.
      if (removed.length < limits.retentionBatch && terms.rules.length === 0) break;
      await clock.yield();
    }
    if (sum > 0) telemetry.count("taskrun_tasks_removed_total", {}, sum);
    return sum;
  }

  #terms(): RetentionTerms {
    const { others, rules, pending } = this.#keep;
    const now = this.#core.clock.now() - this.#unproven();
    const terms = rules.map(({ keep, ...scope }) => ({ ...scope, before: instant(now - keep) }));
    const pendingSince = pending === undefined ? {} : { pendingSince: instant(Math.max(0, now - pending)) };
    return { before: instant(now - others), rules: terms, ...pendingSince };
  }

  /** Removes rows of nodes and workers that have long been gone, up to a bound. Returns how many rows were removed. */
  async sweepNodes(): Promise<number> {
    const { clock, store } = this.#core;
    let sum = 0;
    for (let batch = 0; store.nodes && batch < limits.goneBatches && !this.#stopped; batch += 1) {
      const removed = await store.nodes.removeGone(limits.goneKept, limits.goneRemoved);
      sum += removed;
      if (removed < limits.goneRemoved) break;
      await clock.yield();
    }
    return sum;
  }

  /**
   * Milliseconds before the start that only the wall clock vouches for. They do not count towards a Task's age until
   * the server has run for `limits.retentionPause`, so that an operator can notice a wrong clock before Tasks are
   * removed.
   */
  #unproven(): number {
    if (!this.#clockStart) return 0;
    const { at, persisted } = this.#clockStart;
    const hasPaused = this.#core.clock.now() - at >= limits.retentionPause;
    return hasPaused || persisted === NEVER ? 0 : at - persisted;
  }

  async #sweepAndGoOn(): Promise<void> {
    try {
      await this.sweep();
      await this.sweepNodes();
    } catch (error) {
      const { log } = this.#core.telemetry;
      const isUnexported = error instanceof Fault && error.reason === EXPORT_FAILED;
      if (isUnexported) log.error(error.message, { err: error.cause });
      else log.warn("ended tasks could not be removed; trying again later", { err: error });
    }
    this.start();
  }
}
