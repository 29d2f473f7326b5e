import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { taskNotFound } from "#domain/refusals";
import type { LogEntry, LogSlice } from "#domain/task/log";
import { isTerminal } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store-reads";

/** What the watchers of one Task share: how far its log goes, as far as commits have told. */
interface Watched {
  lastSeq: number;
  /** Each watcher's way to hear that there may be more. */
  readonly listeners: Set<() => void>;
}

/**
 * A watcher is only a cursor: woken after a commit, it reads on from where it is, at its own pace.
 * There is no queue per watcher and no hand-over from replay to live.
 */
export class Watchers {
  readonly #reads: Reads;
  readonly #tasks = new Map<TaskId, Watched>();
  #count = 0;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  get count(): number {
    return this.#count;
  }

  /** A commit has added lines up to this one. */
  wake(taskId: TaskId, lastSeq: number): void {
    const watched = this.#tasks.get(taskId);
    if (!watched) return;

    watched.lastSeq = lastSeq;
    for (const tell of watched.listeners) tell();
  }

  /** Retention has removed the Task. */
  removed(taskId: TaskId): void {
    for (const tell of this.#tasks.get(taskId)?.listeners ?? []) tell();
  }

  /** @param mayWatch throws if this watcher may not see the Task */
  async *watch(
    taskId: TaskId,
    afterSeq: number,
    signal: AbortSignal,
    mayWatch: () => Promise<void>,
  ): AsyncGenerator<LogSlice> {
    await mayWatch();
    let wake = () => {};
    const tell = () => wake();
    const watched = this.#join(taskId, tell);
    signal.addEventListener("abort", tell);
    try {
      await this.#checkCursor(taskId, afterSeq);
      let cursor = afterSeq;
      while (!signal.aborted) {
        // Made before the log is read: a commit may come meanwhile.
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const slice = await this.#reads.log(taskId, cursor, limits.watchReadBytes);
        if (slice.entries.length > 0) {
          yield slice;
          cursor += slice.entries.length;
          if (isLast(slice.entries.at(-1))) return;
          if (watched.lastSeq !== cursor) continue;
        } else {
          if (cursor === afterSeq && (await this.#hasEnded(taskId, cursor))) return;
          await this.#checkCursor(taskId, cursor); // there may be none because the Task was removed
        }
        await changed;
      }
    } finally {
      signal.removeEventListener("abort", tell);
      this.#leave(taskId, watched, tell);
    }
  }

  #join(taskId: TaskId, tell: () => void): Watched {
    const watched = this.#tasks.get(taskId) ?? { lastSeq: 0, listeners: new Set() };
    const { listeners } = watched;
    if (listeners.size >= limits.watchersPerTask) {
      throw new Fault("overloaded", `task ${taskId} has ${listeners.size} watchers, the most one may have`, {
        reason: "TOO_MANY_WATCHERS",
        retryAfter: limits.retryAfter,
      });
    }
    listeners.add(tell);
    this.#count += 1;
    this.#tasks.set(taskId, watched);
    return watched;
  }

  #leave(taskId: TaskId, { listeners }: Watched, tell: () => void): void {
    listeners.delete(tell);
    this.#count -= 1;
    if (listeners.size === 0) this.#tasks.delete(taskId);
  }

  async #checkCursor(taskId: TaskId, afterSeq: number): Promise<void> {
    const bounds = await this.#reads.logBounds(taskId);
    if (!bounds) throw taskNotFound(taskId);
    if (afterSeq > bounds.last) {
      throw new Fault("cursor_ahead", `after_seq ${afterSeq} is past the last event, ${bounds.last}`, {
        field: "after_seq",
        metadata: { last_seq: String(bounds.last) },
      });
    }
    if (afterSeq + 1 < bounds.earliest) {
      throw new Fault(
        "cursor_expired",
        `events before ${bounds.earliest} are no longer kept; watch from there`,
        {
          field: "after_seq",
          metadata: { earliest_seq: String(bounds.earliest) },
        },
      );
    }
  }

  async #hasEnded(taskId: TaskId, lastSeq: number): Promise<boolean> {
    if (lastSeq === 0) return false;
    const { entries } = await this.#reads.log(taskId, lastSeq - 1, 1);
    return isLast(entries.at(-1));
  }
}

/** The terminal line is the last of a Task's log. */
function isLast(entry: LogEntry | undefined): boolean {
  return entry?.type === "task" && isTerminal(entry.state);
}
