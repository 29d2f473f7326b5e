import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { cursorRefused, taskNotFound } from "#domain/refusals";
import { endsLog, type LogSlice } from "#domain/task/log";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store-reads";
import { RoundRobin } from "../nodes/round-robin.js";

/** What the watchers of one Task share: the last seq of its log that a commit since their beginning has written. */
interface Watched {
  lastSeq: number;
  readonly listeners: Set<Listener>;
}

/** One watcher. */
interface Listener {
  /** Called when there may be more entries. */
  tell(): void;
  /** The last seq that it has read, while it waits for more; undefined while it reads, or its reader is behind. */
  waitsAt: number | undefined;
}

/**
 * The watchers of all Tasks. A watcher is a cursor: it is woken after a commit, and reads the log from its cursor at
 * its own pace. So there is no queue per watcher, and no difference between replay and live.
 */
export class Watchers {
  readonly #reads: Reads;
  readonly #tasks = new Map<TaskId, Watched>();
  readonly #turns = new RoundRobin(this.#tasks);
  #count = 0;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  get count(): number {
    return this.#count;
  }

  /** How many Tasks are watched. */
  get tasks(): number {
    return this.#tasks.size;
  }

  /** Tasks of which a watcher waits for more, with the seq after which it does. More than `most` take turns. */
  waiting(most: number): { readonly taskId: TaskId; readonly seq: number }[] {
    return this.#turns.page(most).flatMap((taskId) => {
      const listeners = [...(this.#tasks.get(taskId)?.listeners ?? [])];
      const seq = Math.min(...listeners.map(({ waitsAt = Number.POSITIVE_INFINITY }) => waitsAt));
      return Number.isFinite(seq) ? [{ taskId, seq }] : [];
    });
  }

  /** Call when a commit has added entries; of another node's commits in any order. @param lastSeq of the last one */
  wake(taskId: TaskId, lastSeq: number): void {
    const watched = this.#tasks.get(taskId);
    if (!watched) return;

    watched.lastSeq = Math.max(watched.lastSeq, lastSeq);
    for (const listener of watched.listeners) listener.tell();
  }

  /** Call when retention has removed the Task: its watchers end with `not_found`. */
  removed(taskId: TaskId): void {
    for (const listener of this.#tasks.get(taskId)?.listeners ?? []) listener.tell();
  }

  /**
   * The log after `afterSeq`, live, up to its terminal entry or until the signal aborts.
   *
   * @param mayWatch throws if this watcher may not see the Task
   * @throws {Fault} `not_found`, `cursor_ahead`, `cursor_expired`, `overloaded` (too many watchers)
   */
  async *watch(
    taskId: TaskId,
    afterSeq: number,
    signal: AbortSignal,
    mayWatch: () => Promise<void>,
  ): AsyncGenerator<LogSlice> {
    await mayWatch();
    let wake = () => {};
    const tell = () => wake();
    const listener: Listener = { tell, waitsAt: undefined };
    const watched = this.#join(taskId, listener);
    signal.addEventListener("abort", tell);
    try {
      await this.#checkCursor(taskId, afterSeq);
      let cursor = afterSeq;
      while (!signal.aborted) {
        // Created before the log is read, so that a commit during the read is noticed.
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const slice = await this.#reads.log(taskId, cursor, limits.watchReadBytes);
        if (slice.entries.length > 0) {
          yield slice;
          cursor += slice.entries.length;
          if (endsLog(slice.entries.at(-1))) return;
          if (watched.lastSeq !== cursor) continue;
        } else {
          if (cursor === afterSeq && (await this.#hasEnded(taskId, cursor))) return;
          await this.#checkCursor(taskId, cursor); // there may be none because the Task was removed
        }
        listener.waitsAt = cursor;
        await changed;
        listener.waitsAt = undefined;
      }
    } finally {
      signal.removeEventListener("abort", tell);
      this.#leave(taskId, watched, listener);
    }
  }

  #join(taskId: TaskId, listener: Listener): Watched {
    const watched = this.#tasks.get(taskId) ?? { lastSeq: 0, listeners: new Set<Listener>() };
    const { listeners } = watched;
    if (listeners.size >= limits.watchersPerTask) {
      throw new Fault("overloaded", `task ${taskId} has ${listeners.size} watchers, the most one may have`, {
        reason: "TOO_MANY_WATCHERS",
        retryAfter: limits.retryAfter,
      });
    }
    listeners.add(listener);
    this.#count += 1;
    this.#tasks.set(taskId, watched);
    return watched;
  }

  #leave(taskId: TaskId, { listeners }: Watched, listener: Listener): void {
    listeners.delete(listener);
    this.#count -= 1;
    if (listeners.size === 0) this.#tasks.delete(taskId);
  }

  async #checkCursor(taskId: TaskId, afterSeq: number): Promise<void> {
    const bounds = await this.#reads.logBounds(taskId);
    if (!bounds) throw taskNotFound(taskId);
    const refused = cursorRefused(afterSeq, bounds);
    if (refused) throw refused;
  }

  async #hasEnded(taskId: TaskId, lastSeq: number): Promise<boolean> {
    if (lastSeq === 0) return false;
    const { entries } = await this.#reads.log(taskId, lastSeq - 1, 1);
    return endsLog(entries.at(-1));
  }
}
