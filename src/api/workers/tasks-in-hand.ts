import type { TaskId, WorkerId } from "#domain/id";
import { workerKey } from "#domain/worker/worker";
import { limits } from "#limits/index";

/**
 * The Tasks that workers were given at this server and have sent no result of. Kept for workers that name Runs by their Task: on a
 * later stream such a worker may send the result of a Run that an earlier one has lost, and nothing in it says which Run it means.
 */
export class TasksInHand {
  readonly #workers = new Map<string, Set<TaskId>>();

  /** Of all streams of the worker. @param workerId empty if it has none of its own: then nothing is kept */
  of(principal: string, workerId: string): ReadonlySet<TaskId> {
    return this.#workers.get(keyOf(principal, workerId)) ?? NONE;
  }

  add(principal: string, workerId: string, taskId: TaskId): void {
    if (workerId === "") return;
    const key = keyOf(principal, workerId);
    const tasks = this.#workers.get(key) ?? new Set();
    this.#workers.delete(key);
    this.#workers.set(key, tasks.add(taskId));
    // More than it may hold at once: a worker that loses its stream again and again.
    const [first] = tasks;
    if (tasks.size > 2 * limits.maxRunsPerWorker && first !== undefined) tasks.delete(first);
    const [longestAgo] = this.#workers.keys();
    if (this.#workers.size > limits.inHandWorkers && longestAgo !== undefined)
      this.#workers.delete(longestAgo);
  }

  delete(principal: string, workerId: string, taskId: TaskId): void {
    const key = keyOf(principal, workerId);
    const tasks = this.#workers.get(key);
    tasks?.delete(taskId);
    if (tasks?.size === 0) this.#workers.delete(key);
  }
}

function keyOf(principal: string, workerId: string): string {
  return workerKey(principal, workerId as WorkerId);
}

const NONE: ReadonlySet<TaskId> = new Set();
