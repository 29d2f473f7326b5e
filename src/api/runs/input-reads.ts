import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store";

/**
 * Reads of inputs by reference, for all workers. Concurrent reads of one Task's input share one read of the store. The
 * inputs in memory are bounded; further reads wait, and their number is bounded too.
 */
export class InputReads {
  readonly #reads: Pick<Reads, "input">;
  readonly #underWay = new Map<TaskId, Promise<string | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(reads: Pick<Reads, "input">) {
    this.#reads = reads;
  }

  /** @throws {Fault} `overloaded` if too many wait */
  read(taskId: TaskId): Promise<string | undefined> {
    const known = this.#underWay.get(taskId);
    if (known) return known;
    const reading = this.#inTurn(taskId).finally(() => this.#underWay.delete(taskId));
    this.#underWay.set(taskId, reading);
    return reading;
  }

  async #inTurn(taskId: TaskId): Promise<string | undefined> {
    await this.#enter();
    try {
      return await this.#reads.input(taskId);
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#active < limits.inputReads) {
      this.#active += 1;
      return;
    }
    if (this.#waiting.length >= limits.inputReadsWaiting) {
      const message = `${limits.inputReadsWaiting} reads of inputs wait already; read again a little later.`;
      throw new Fault("overloaded", message, { reason: "INPUT_READS_FULL", retryAfter: millis(500) });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Gives the free place to the read that has waited longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#active -= 1;
  }
}
