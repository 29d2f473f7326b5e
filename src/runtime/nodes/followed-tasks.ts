import type { TaskId } from "#domain/id";
import { isTerminal } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store-reads";
import type { Waiters } from "../watch/waiters.js";
import type { Watchers } from "../watch/watchers.js";

/** A Task as another node, or the store, has told of it. A `lastSeq` of 0: it is not in the store any more. */
export interface TaskNews {
  readonly taskId: TaskId;
  readonly lastSeq: number;
  readonly ended: boolean;
}

/**
 * The Tasks that are watched or waited for on this node, in a store that other nodes write too: which ones to ask for, and what
 * follows from the answers. The same news may come often and in any order.
 */
export class FollowedTasks {
  readonly #watchers: Watchers;
  readonly #waiters: Waiters;
  readonly #reads: Pick<Reads, "task">;
  /** Tasks that have ended, and are to be read, or are being read. */
  readonly #ended = new Set<TaskId>();
  #reading = 0;

  constructor(watchers: Watchers, waiters: Waiters, reads: Pick<Reads, "task">) {
    this.#watchers = watchers;
    this.#waiters = waiters;
    this.#reads = reads;
  }

  /** How many there are: those that are watched and waited for count twice. */
  get count(): number {
    return this.#watchers.tasks + this.#waiters.tasks;
  }

  /** The next Tasks to ask for, each with the last seq that is known of it. More than `most` take turns. */
  page(most: number): { readonly taskId: TaskId; readonly seq: number }[] {
    const known = new Map<TaskId, number>();
    const shareOfWaiters = Math.min(this.#waiters.tasks, Math.floor(most / 2));
    for (const { taskId, seq } of this.#watchers.waiting(most - shareOfWaiters)) known.set(taskId, seq);
    for (const { taskId, seq } of this.#waiters.waiting(most - known.size)) {
      if (!known.has(taskId)) known.set(taskId, seq);
    }
    return [...known].map(([taskId, seq]) => ({ taskId, seq }));
  }

  /** Call with what was heard of Tasks, whether they are followed here or not. */
  heard(news: readonly TaskNews[]): void {
    for (const { taskId, lastSeq, ended } of news) {
      if (lastSeq === 0) {
        this.removed(taskId);
        continue;
      }
      this.#watchers.wake(taskId, lastSeq);
      if (!this.#waiters.has(taskId)) continue;
      this.#waiters.seen(taskId, lastSeq);
      if (ended) this.#ended.add(taskId);
    }
    this.#readOn();
  }

  /** Call when retention has removed a Task. */
  removed(taskId: TaskId): void {
    this.#watchers.removed(taskId);
    this.#waiters.removed(taskId);
  }

  /** Reads ended Tasks for those who wait for them, a few at a time. At most as many wait to be read as are waited for. */
  #readOn(): void {
    for (const taskId of this.#ended) {
      if (this.#reading >= limits.endsReadAtOnce) return;
      this.#ended.delete(taskId);
      if (!this.#waiters.has(taskId)) continue;
      this.#reading += 1;
      void this.#tell(taskId).finally(() => {
        this.#reading -= 1;
        this.#readOn();
      });
    }
  }

  async #tell(taskId: TaskId): Promise<void> {
    try {
      const detail = await this.#reads.task(taskId);
      if (!detail) this.#waiters.removed(taskId);
      else if (isTerminal(detail.task.state)) this.#waiters.ended({ task: detail.task, rows: detail });
    } catch {
      // The store is away, which its own callers report: the next answer of the store says again that it has ended.
    }
  }
}
