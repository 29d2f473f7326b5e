import { limits } from "#limits/index";
import type { SqlRow } from "../driver.js";

/** The seq after the last entry of a packed row. */
export function nextSeqAfter([, firstSeq, count]: readonly unknown[]): number {
  return Number(firstSeq) + Number(count);
}

/** A cache of the next seq of the most recently written logs, which saves a read. */
export class LogEnds {
  readonly #next = new Map<string, number>();

  nextSeq(taskId: string): number | undefined {
    return this.#next.get(taskId);
  }

  /** Adds new Tasks, given the values of their rows; their logs are empty. */
  begin(tasks: readonly SqlRow[]): void {
    for (const [id] of tasks) this.moveTo(String(id), 1);
  }

  moveTo(taskId: string, next: number): void {
    this.#next.set(taskId, next);
    if (this.#next.size > limits.logEnds) this.forget([this.#next.keys().next().value as string]);
  }

  forget(taskIds: readonly string[]): void {
    for (const taskId of taskIds) this.#next.delete(taskId);
  }

  /** Call after a roll-back. */
  clear(): void {
    this.#next.clear();
  }
}
