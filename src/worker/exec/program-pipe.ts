import type { Readable } from "node:stream";
import { limits } from "#limits/index";
import { after, monotonic } from "../timers.js";

/**
 * One of a program's output pipes. It ends with the last process that holds it, or with the program, whichever is
 * sooner: what the program wrote before its exit is in the pipe and arrives whole, however slowly it is accepted, and
 * a process that outlives the program does not keep the Run open.
 */
export class ProgramPipe {
  readonly #stream: Readable;
  /** What is left of the grace: only waiting for data uses it up. */
  #waitMs: number = limits.execRestWait;
  /** What may still be read after the exit. */
  #restBytes: number = limits.execRestBytes;
  #exited = false;
  #waiting = false;
  #cut = false;
  #clear = (): void => {};

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** True if it was closed while another process still held it. */
  get cut(): boolean {
    return this.#cut;
  }

  /** Call it when the program has exited. */
  programExited(): void {
    this.#exited = true;
    if (this.#waiting) this.#startGrace();
  }

  /** Iterates over the data. */
  async *read(): AsyncGenerator<Buffer, void> {
    const data = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      for (let next = await this.#next(data); !next.done; next = await this.#next(data)) {
        if (this.#exited) this.#restBytes -= next.value.length;
        yield next.value;
        if (this.#restBytes <= 0) return this.#close();
      }
    } finally {
      this.#stream.destroy();
    }
  }

  async #next(data: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer, void>> {
    this.#waiting = true;
    if (this.#exited) this.#startGrace();
    try {
      return await data.next();
    } catch (error) {
      if (this.#cut) return { done: true, value: undefined };
      throw error;
    } finally {
      this.#waiting = false;
      this.#clear();
    }
  }

  /** Closes the pipe once the grace is used up, unless data ends the wait before. */
  #startGrace(): void {
    const startedMs = monotonic();
    let over = false;
    const stop = after(this.#waitMs, () => {
      // A busy process gets here late: data that has arrived in the meantime is read first.
      setImmediate(() => {
        if (!over) this.#close();
      });
    });
    this.#clear = () => {
      over = true;
      stop();
      this.#waitMs = Math.max(0, this.#waitMs - (monotonic() - startedMs));
      this.#clear = () => {};
    };
  }

  #close(): void {
    this.#cut = true;
    this.#stream.destroy();
  }
}
