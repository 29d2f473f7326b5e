import { outputBytes, outputLimit } from "#domain/task/report";
import type { Labels } from "#domain/task/task";
import { splitText } from "#domain/text/text";
import { limits } from "#limits/index";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { OutputLimitError } from "../agent/error.js";
import type { WorkerTime } from "../timers.js";
import type { Outbox } from "./outbox.js";
import type { Window } from "./window.js";

/** What {@link RunOutput} needs of the Run. */
export interface OutputSurroundings {
  readonly time: Pick<WorkerTime, "wall">;
  /** Aborts when the Run is stopped. */
  readonly signal: AbortSignal;
  /** Limits the bytes of all Runs that are not yet durable. */
  readonly window: Window;
  /** True once the Run has ended; output that its agent still sends is dropped. */
  readonly ended: () => boolean;
  /** Called when there is something to send. */
  readonly ready: () => void;
  /** Called when the Run exceeds its limit of output. */
  readonly overspent: () => void;
  /** Called when the first note is dropped. */
  readonly forgotten: () => void;
}

/** Adds an agent's output to its Run's outbox: in order, when there is room, and within the limit of one Run. */
export class RunOutput {
  readonly #outbox: Outbox<RunClientMessage>;
  readonly #around: OutputSurroundings;
  #writing: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  /** Bytes counted as the server counts them, so that both sides reach the limit at the same piece. */
  #spent = 0;
  #forgotten = 0;

  constructor(outbox: Outbox<RunClientMessage>, around: OutputSurroundings) {
    this.#outbox = outbox;
    this.#around = around;
  }

  /**
   * Adds text, split into chunks; resolves when all of it has been added. Concurrent calls are queued in order.
   *
   * @throws {OutputLimitError} if the Run exceeds its limit
   * @throws the signal's reason, if it aborts first
   */
  write(text: string, metadata: Labels): Promise<void> {
    const written = this.#writing.then(() => this.#writeNow(text, metadata));
    // A rejection that the agent does not await must not end the process.
    this.#writing = written.catch(() => {});
    return written;
  }

  /**
   * Adds an event or chat message, without waiting. Does nothing once the Run has been stopped or has ended.
   *
   * @param bytes how much it counts against the Run's limit
   * @throws {OutputLimitError} if the Run exceeds its limit
   */
  note(content: RunClientMessage, bytes: number): void {
    if (this.#around.signal.aborted || this.#around.ended()) return;
    this.#spend(bytes);
    const kept = this.#outbox.addNote(content);
    if (!kept) this.#forgotten += 1;
    if (!kept && this.#forgotten === 1) this.#around.forgotten();
    this.#around.ready();
  }

  /** Resolves when all output so far is in the outbox, or was dropped. */
  get written(): Promise<void> {
    return this.#writing;
  }

  /** Call it when there may be room. */
  wake(): void {
    this.#wake?.();
  }

  async #writeNow(text: string, metadata: Labels): Promise<void> {
    const { signal, window, ended, ready, time } = this.#around;
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
      this.#outbox.add(piece, bytes, metadata, time.wall());
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

/** Splits text into chunks. Empty text is sent only for the sake of metadata. */
function piecesOf(text: string, metadata: Labels): readonly string[] {
  if (text !== "") return splitText(text, limits.chunkBytes);
  return Object.keys(metadata).length > 0 ? [""] : [];
}
