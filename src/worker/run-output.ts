import { limits } from "#domain/limits";
import { outputBytes, outputLimit } from "#domain/report";
import type { Labels } from "#domain/task";
import { splitText } from "#domain/text";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { OutputLimitError } from "./agent-error.js";
import type { Outbox } from "./outbox.js";
import { wall } from "./timers.js";
import type { Window } from "./window.js";

/** What the output of a run needs of the run. */
export interface OutputSurroundings {
  /** Aborts when the run is no longer wanted. */
  readonly signal: AbortSignal;
  /** Bytes of all runs that are not yet durable. */
  readonly window: Window;
  /** The run has ended: what is still said was left behind by its agent, and is dropped. */
  readonly ended: () => boolean;
  /** There is something to send. */
  readonly ready: () => void;
  /** The run has said more than one run may. */
  readonly overspent: () => void;
  /** The first note had to be forgotten. */
  readonly forgotten: () => void;
}

/** Puts what an agent says into its run's outbox: in order, as there is room, and no more than one run may say. */
export class RunOutput {
  readonly #outbox: Outbox<RunClientMessage>;
  readonly #around: OutputSurroundings;
  #writing: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  /** Weighed as the plane weighs it, so that both ends come to the limit with the same piece. */
  #spent = 0;
  #forgotten = 0;

  constructor(outbox: Outbox<RunClientMessage>, around: OutputSurroundings) {
    this.#outbox = outbox;
    this.#around = around;
  }

  /**
   * Resolves when the text has found room. One writer at a time, so that output keeps the order it was called in.
   *
   * @throws {OutputLimitError} if the run has now said too much
   * @throws the signal's reason, if it aborts first
   */
  write(text: string, metadata: Labels): Promise<void> {
    const written = this.#writing.then(() => this.#writeNow(text, metadata));
    // Who does not await it must not end the process by that.
    this.#writing = written.catch(() => {});
    return written;
  }

  /**
   * Something said beside the output, as it will be sent; it never waits.
   *
   * @param bytes what it weighs
   * @throws {OutputLimitError} if the run has now said too much
   */
  note(content: RunClientMessage, bytes: number): void {
    if (this.#around.signal.aborted || this.#around.ended()) return;
    this.#spend(bytes);
    const kept = this.#outbox.addNote(content);
    if (!kept) this.#forgotten += 1;
    if (!kept && this.#forgotten === 1) this.#around.forgotten();
    this.#around.ready();
  }

  /** There may be room now. */
  wake(): void {
    this.#wake?.();
  }

  async #writeNow(text: string, metadata: Labels): Promise<void> {
    const { signal, window, ended, ready } = this.#around;
    for (const piece of piecesOf(text, metadata)) {
      signal.throwIfAborted();
      if (ended()) return;
      const bytes = outputBytes(piece, metadata);
      this.#spend(bytes);
      while (!this.#outbox.hasRoom(bytes)) await this.#room(signal);
      await window.enter(bytes, signal);
      if (signal.aborted || ended()) {
        window.leave(bytes);
        signal.throwIfAborted();
        return;
      }
      this.#outbox.add(piece, bytes, metadata, wall());
      ready();
    }
    signal.throwIfAborted();
  }

  #spend(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent <= limits.runOutputBytes) return;
    this.#around.overspent();
    throw new OutputLimitError(outputLimit);
  }

  /** Resolves at the next acknowledgement. */
  #room(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = (): void => reject(signal.reason);
      this.#wake = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}

/** Empty text tells nobody anything, unless there is metadata with it. */
function piecesOf(text: string, metadata: Labels): readonly string[] {
  if (text !== "") return splitText(text, limits.chunkBytes);
  return Object.keys(metadata).length > 0 ? [""] : [];
}
