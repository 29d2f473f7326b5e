import { limits } from "#domain/limits";
import { AgentError } from "./agent-error.js";
import type { InputRef } from "./assignment.js";
import type { RunKey } from "./frames.js";
import { type Ask, PatientReader, Refused } from "./patient-reader.js";
import { Window } from "./window.js";

/** Inputs kept for runs that come later: some tasks of the largest size, or hundreds of small ones. */
const CACHE_BYTES = 16 * limits.inputBytes;
/** Answers that may be under way at once; a worker seldom has members of more tasks in hand. */
const WINDOW_BYTES = 8 * limits.inputBytes;

/**
 * Reads inputs that did not come with their assignments, for all runs of a worker: of one task once, however many
 * of its members are here. A run that asks while another reads waits for that one's answer.
 */
export class InputReader {
  readonly #reader = new PatientReader<RunKey>();
  readonly #window = new Window(WINDOW_BYTES);
  /** By id; the one used longest ago comes first. */
  readonly #kept = new Map<string, { readonly json: string; readonly bytes: number }>();
  readonly #underWay = new Map<string, Promise<string>>();
  #keptBytes = 0;

  /** A session has begun or, with undefined, ended. */
  use(ask: Ask<RunKey> | undefined): void {
    this.#reader.use(ask);
  }

  /**
   * The task's input as JSON text, as it was given.
   *
   * @throws {AgentError} if the plane refuses, or has not answered in time
   * @throws the signal's reason, if it aborts first
   */
  async read(ref: InputRef, run: RunKey, signal: AbortSignal): Promise<string> {
    for (;;) {
      const known = this.#find(ref.id);
      if (known !== undefined) return known;
      const others = this.#underWay.get(ref.id);
      if (!others) return this.#readFor(ref, run, signal);
      try {
        return await untilAborted(others, signal);
      } catch (error) {
        signal.throwIfAborted();
        // Who reads does so for its own run: if that was stopped, or is refused, this one is asked for itself.
        if (error instanceof AgentError && !(error instanceof Refused)) throw error;
      }
    }
  }

  #find(id: string): string | undefined {
    const kept = this.#kept.get(id);
    if (!kept) return undefined;
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept.json;
  }

  async #readFor(ref: InputRef, run: RunKey, signal: AbortSignal): Promise<string> {
    const reading = this.#readOnce(ref, run, signal);
    this.#underWay.set(ref.id, reading);
    try {
      return await reading;
    } catch (error) {
      // A refusal is about this run and this moment; another try of its step is asked anew.
      if (error instanceof Refused) throw new AgentError(error.message, { retryable: true, cause: error });
      throw error;
    } finally {
      this.#underWay.delete(ref.id);
    }
  }

  async #readOnce(ref: InputRef, { runId, fence }: RunKey, signal: AbortSignal): Promise<string> {
    await this.#window.enter(ref.bytes, signal);
    try {
      const json = await this.#reader.read({ runId, fence }, "the input", signal);
      this.#keep(ref, json);
      return json;
    } finally {
      this.#window.leave(ref.bytes);
    }
  }

  #keep({ id, bytes }: InputRef, json: string): void {
    if (this.#kept.has(id)) return;
    this.#kept.set(id, { json, bytes });
    this.#keptBytes += bytes;
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptBytes <= CACHE_BYTES) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= kept.bytes;
    }
  }
}

/** What the promise comes to. @throws the signal's reason, if it aborts first */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
