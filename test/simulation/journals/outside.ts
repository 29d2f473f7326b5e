import type { RunId, TaskId } from "#domain/id";
import type { JournalRecord } from "#domain/task/journal";

/** A signal that an agent waits for, or will. */
export interface WantedSignal {
  readonly taskId: TaskId;
  readonly name: string;
  /** Of the request that sends it: however often that is repeated, it counts once. */
  readonly requestId: string;
  readonly payload: string;
}

/** The world outside of the plane, as agents change it and are changed by it. */
export class Outside {
  readonly #done = new Map<string, number>();
  readonly #wanted = new Map<string, WantedSignal>();
  readonly #written = new Map<string, string>();

  /** The effect of a step happens: it should once. */
  happen(key: string): void {
    this.#done.set(key, this.timesOf(key) + 1);
  }

  timesOf(key: string): number {
    return this.#done.get(key) ?? 0;
  }

  /** Somebody is asked to send the signal, once. */
  want(signal: WantedSignal): void {
    if (!this.#wanted.has(signal.requestId)) this.#wanted.set(signal.requestId, signal);
  }

  /** In the order in which they were asked for. */
  get wanted(): readonly WantedSignal[] {
    return [...this.#wanted.values()];
  }

  /** An honest worker has written a record: the journal may have no other of its Run. */
  wrote(runId: RunId, record: JournalRecord): void {
    this.#written.set(`${runId} ${record.seq}`, JSON.stringify(record));
  }

  /** What an honest worker has written there, as JSON text. */
  writtenAt(runId: RunId, seq: number): string | undefined {
    return this.#written.get(`${runId} ${seq}`);
  }
}
