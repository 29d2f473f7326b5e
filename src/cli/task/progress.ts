import { hasEnded, type Task, type TaskEvent } from "#client/index";
import { limits } from "#limits/index";
import { type Colors, colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { sanitize } from "../terminal/sanitizer.js";
import { terminalSize } from "../terminal/size.js";
import { displayWidth } from "../terminal/table.js";
import { frame } from "./progress-frame.js";
import { ProgressView } from "./progress-view.js";
import { endOf, type Show } from "./show.js";

/**
 * Shows the steps of a running graph as a block of lines on stderr that is redrawn in place, at most ten times a second
 * and no higher than the terminal. Notes are printed above it.
 */
export class Progress implements Show {
  readonly #io: Io;
  readonly #colors: Colors;
  readonly #view: ProgressView;
  /** The lines on the screen, which the next frame replaces. */
  #drawn: readonly string[] = [];
  #timer: { readonly ms: number; cancel(): void } | undefined;
  #writing = false;
  #closed = false;

  constructor(task: Task, io: Io) {
    this.#io = io;
    this.#colors = colorsFor(io.stderr, io);
    this.#view = new ProgressView(task);
    this.#wake(limits.progressFrame);
  }

  async tell(event: TaskEvent): Promise<void> {
    this.#view.tell(event);
    this.#wake(limits.progressFrame);
  }

  async note(text: string): Promise<void> {
    if (this.#closed) return;
    await this.#io.stderr.write(`${this.#erasing()}${text}\n`);
    this.#wake(limits.progressFrame);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#draw();
    const { task } = this.#view;
    if (!hasEnded(task)) return;
    await this.#io.stderr.write(
      endOf(task, this.#colors, this.#io)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }

  /** Schedules a frame after so many milliseconds, unless one is due sooner. */
  #wake(ms: number): void {
    if (this.#closed || (this.#timer && this.#timer.ms <= ms)) return;
    this.#timer?.cancel();
    const ring = async () => {
      this.#timer = undefined;
      // A slow terminal gets no new frame while one is being written.
      if (!this.#writing) await this.#draw();
      this.#wake(limits.progressTick);
    };
    this.#timer = { ms, cancel: this.#io.after(ms, () => void ring()) };
  }

  async #draw(): Promise<void> {
    const { stderr, now } = this.#io;
    const { columns, rows } = terminalSize(stderr);
    const lines = frame(this.#view, { columns, rows, now: now(), colors: this.#colors });
    if (lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i])) return;

    const text = this.#erasing() + lines.map((line) => `${line}\n`).join("");
    this.#drawn = lines;
    this.#writing = true;
    await stderr.write(text);
    this.#writing = false;
  }

  /** Returns the escape sequence that erases the block: moves up by its height and clears what is below. */
  #erasing(): string {
    const { columns } = terminalSize(this.#io.stderr);
    // Lines wrap if the window has become narrower since.
    const heights = this.#drawn.map((line) => Math.ceil(displayWidth(sanitize(line)) / columns));
    const height = heights.reduce((sum, lines) => sum + Math.max(lines, 1), 0);
    this.#drawn = [];
    return height === 0 ? "" : `\u001b[${height}A\u001b[J`;
  }
}
