import { joined, type SharedText, sharedText } from "#domain/task/step-input";
import { limits } from "#limits/index";
import { AgentError } from "../agent/error.js";
import type { RunKey } from "../protocol/run-key.js";
import type { WorkerTime } from "../timers.js";
import type { InputRef } from "./assignment.js";
import { type Ask, PatientReader, Refused } from "./patient-reader.js";
import { Window } from "./window.js";

/**
 * Reads the inputs that were not sent with their assignments, for all Runs of a Worker. Caches them and coalesces
 * concurrent reads, so that the members of a map read the input of their Task once.
 */
export class InputReader {
  readonly #reader: PatientReader<RunKey>;
  readonly #window = new Window(limits.inputWindowBytes);
  /** By id, least recently used first. */
  readonly #kept = new Map<string, SharedText>();
  readonly #underWay = new Map<string, Promise<SharedText>>();
  #keptBytes = 0;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(time: WorkerTime) {
    this.#reader = new PatientReader(time);
  }

  /** Sets how to ask the server: call it when a session has begun and, with undefined, when it has ended. */
  use(ask: Ask<RunKey> | undefined): void {
    this.#reader.use(ask);
  }

  /**
   * Returns a Run's input as JSON text: the referenced one, with the keys of `parts` overriding its own.
   *
   * Waiting Runs continue one per turn of the event loop: hundreds may wait for the same large text, and parsing it in
   * all of them at once would delay heartbeats.
   *
   * @throws {AgentError} if the server refuses or does not answer in time; retryable
   * @throws the signal's reason, if it aborts first
   */
  async read(ref: InputRef, parts: string, run: RunKey, signal: AbortSignal): Promise<string> {
    const input = await this.#shared(ref, run, signal);
    this.#lastTurn = this.#lastTurn.then(nextTurn);
    await this.#lastTurn;
    signal.throwIfAborted();
    return joined(input, parts).text;
  }

  async #shared(ref: InputRef, run: RunKey, signal: AbortSignal): Promise<SharedText> {
    for (;;) {
      const known = this.#find(ref.id);
      if (known !== undefined) return known;
      const others = this.#underWay.get(ref.id);
      if (!others) return this.#readFor(ref, run, signal);
      try {
        return await untilAborted(others, signal);
      } catch (error) {
        signal.throwIfAborted();
        // The other Run was stopped or refused, which says nothing about this one: read again for this Run.
        if (error instanceof AgentError && !(error instanceof Refused)) throw error;
      }
    }
  }

  #find(id: string): SharedText | undefined {
    const kept = this.#kept.get(id);
    if (!kept) return undefined;
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    return kept;
  }

  async #readFor(ref: InputRef, run: RunKey, signal: AbortSignal): Promise<SharedText> {
    const reading = this.#readOnce(ref, run, signal);
    this.#underWay.set(ref.id, reading);
    try {
      return await reading;
    } catch (error) {
      // A refusal concerns this Run: the Step's next attempt may succeed.
      if (error instanceof Refused) throw new AgentError(error.message, { retryable: true, cause: error });
      throw error;
    } finally {
      this.#underWay.delete(ref.id);
    }
  }

  async #readOnce(ref: InputRef, { runId, fence }: RunKey, signal: AbortSignal): Promise<SharedText> {
    await this.#window.enter(ref.bytes, signal);
    try {
      const input = sharedText(await this.#reader.read({ runId, fence }, "the input", signal));
      this.#keep(ref.id, input);
      return input;
    } finally {
      this.#window.leave(ref.bytes);
    }
  }

  #keep(id: string, input: SharedText): void {
    if (this.#kept.has(id)) return;
    this.#kept.set(id, input);
    this.#keptBytes += input.bytes;
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptBytes <= limits.inputCacheBytes) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= kept.bytes;
    }
  }
}

/** Resolves in the next turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Settles as the promise does. @throws the signal's reason, if it aborts first */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
