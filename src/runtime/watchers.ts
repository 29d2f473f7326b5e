import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { LogEntry, LogSlice } from "#domain/log";
import { taskNotFound } from "#domain/refusals";
import { isTerminal } from "#domain/task";
import { millis } from "#domain/time";
import type { Reads } from "#ports/store";

/** What the watchers of one Task share: how far its log goes, as far as commits have told. */
interface Watched {
  watchers: number;
  lastSeq: number;
  readonly waiting: Set<() => void>;
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
    for (const resume of [...watched.waiting]) resume();
  }

  /** Retention has removed the Task. */
  removed(taskId: TaskId): void {
    for (const resume of [...(this.#tasks.get(taskId)?.waiting ?? [])]) resume();
  }

  /** @param mayWatch throws if this watcher may not see the Task */
  async *watch(
    taskId: TaskId,
    afterSeq: number,
    signal: AbortSignal,
    mayWatch: () => Promise<void>,
  ): AsyncGenerator<LogSlice> {
    await mayWatch();
    const watched = this.#join(taskId);
    try {
      await this.#checkCursor(taskId, afterSeq);
      let cursor = afterSeq;
      while (!signal.aborted) {
        const slice = await this.#reads.log(taskId, cursor, limits.watchReadBytes);
        if (slice.entries.length > 0) {
          yield slice;
          cursor += slice.entries.length;
          if (isLast(slice.entries.at(-1))) return;
        } else if (watched.lastSeq <= cursor) {
          if (cursor === afterSeq && (await this.#hasEnded(taskId, cursor))) return;
          // A commit may have come while the log was read.
          if (watched.lastSeq <= cursor) await changed(watched, signal);
          await this.#checkCursor(taskId, cursor);
        } else {
          await this.#checkCursor(taskId, cursor); // there were lines, and now there are none: removed
        }
      }
    } finally {
      this.#leave(taskId, watched);
    }
  }

  #join(taskId: TaskId): Watched {
    const watched = this.#tasks.get(taskId) ?? { watchers: 0, lastSeq: 0, waiting: new Set() };
    if (watched.watchers >= limits.watchersPerTask) {
      throw new Fault(
        "overloaded",
        `task ${taskId} has ${watched.watchers} watchers, the most one may have`,
        {
          reason: "TOO_MANY_WATCHERS",
          retryAfter: millis(1_000),
        },
      );
    }
    watched.watchers += 1;
    this.#count += 1;
    this.#tasks.set(taskId, watched);
    return watched;
  }

  #leave(taskId: TaskId, watched: Watched): void {
    watched.watchers -= 1;
    this.#count -= 1;
    if (watched.watchers === 0) this.#tasks.delete(taskId);
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

function changed(watched: Watched, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      watched.waiting.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    watched.waiting.add(done);
    signal.addEventListener("abort", done, { once: true });
  });
}
