import type { ClockStart } from "#domain/time/plane-time";
import { instant, later, type Millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { Core } from "../core.js";
import type { FollowedTasks } from "../nodes/followed-tasks.js";

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
  readonly #keep: Millis;
  readonly #clockStart: ClockStart | undefined;
  readonly #keepPending: Millis;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /**
   * @param followers told of each Task that is removed
   * @param keep how long an ended Task is kept, with its idempotency key; at least `limits.retentionMin`
   * @param clockStart how plane time began
   * @param keepPending how long one is kept at least while its dead letter is pending
   */
  constructor(
    core: Sweeping,
    followers: Followers,
    keep: Millis,
    clockStart?: ClockStart,
    keepPending: Millis = keep,
  ) {
    this.#core = core;
    this.#followers = followers;
    this.#keep = keep;
    this.#clockStart = clockStart;
    this.#keepPending = keepPending;
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
    const now = clock.now() - this.#unproven();
    const before = instant(now - this.#keep);
    const pendingSince = instant(Math.max(0, now - this.#keepPending));
    let sum = 0;
    for (let batch = 0; batch < limits.retentionBatches && !this.#stopped; batch += 1) {
      const removed = await store.removeFinished(before, limits.retentionBatch, pendingSince);
      for (const taskId of removed) this.#followers.removed(taskId);
      sum += removed.length;
      if (removed.length < limits.retentionBatch) break;
      await clock.yield();
    }
    if (sum > 0) telemetry.count("taskrun_tasks_removed_total", {}, sum);
    return sum;
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
      this.#core.telemetry.log.warn("ended tasks could not be removed; trying again later", { err: error });
    }
    this.start();
  }
}
