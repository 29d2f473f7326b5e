import { hasEnded, type Task, type TaskEvent } from "#client/index";
import { limits } from "#domain/limits";
import { type Colors, colorsFor } from "./format.js";
import type { Io } from "./io.js";
import { frame } from "./progress-frame.js";
import { ProgressView } from "./progress-view.js";
import { endOf, type Show } from "./show.js";
import { displayWidth } from "./table.js";
import { sanitize } from "./terminal-sanitizer.js";

/** Where the terminal does not say how large it is. */
const COLUMNS = 80;
const ROWS = 24;

/**
 * A graph at work, as a block of lines on stderr that is drawn over itself, no more often than an eye can follow and
 * no higher than the terminal. What is said beside it scrolls away above it.
 */
export class Progress implements Show {
  readonly #io: Io;
  readonly #colors: Colors;
  readonly #view: ProgressView;
  /** What is on the screen now; its height is what must be gone back by. */
  #drawn: readonly string[] = [];
  #timer: { readonly ms: number; undo(): void } | undefined;
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
    this.#timer?.undo();
    await this.#draw();
    const { task } = this.#view;
    if (!hasEnded(task)) return;
    await this.#io.stderr.write(
      endOf(task, this.#colors)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }

  /** Draws after so many milliseconds, unless it is to be drawn sooner. */
  #wake(ms: number): void {
    if (this.#closed || (this.#timer && this.#timer.ms <= ms)) return;
    this.#timer?.undo();
    const ring = async () => {
      this.#timer = undefined;
      // A terminal that is behind gets no second frame before it has taken the first.
      if (!this.#writing) await this.#draw();
      this.#wake(limits.progressTick);
    };
    this.#timer = { ms, undo: this.#io.after(ms, () => void ring()) };
  }

  async #draw(): Promise<void> {
    const { stderr, now } = this.#io;
    const { columns = COLUMNS, rows = ROWS } = stderr;
    const lines = frame(this.#view, { columns, rows, now: now(), colors: this.#colors });
    if (lines.length === this.#drawn.length && lines.every((line, i) => line === this.#drawn[i])) return;

    const text = this.#erasing() + lines.map((line) => `${line}\n`).join("");
    this.#drawn = lines;
    this.#writing = true;
    await stderr.write(text);
    this.#writing = false;
  }

  /** Takes the block off the screen: up by its height, then all below is cleared. */
  #erasing(): string {
    const { columns = COLUMNS } = this.#io.stderr;
    // In a window that has become narrower since, a line has become several.
    const heights = this.#drawn.map((line) => Math.ceil(displayWidth(sanitize(line)) / Math.max(columns, 1)));
    const height = heights.reduce((sum, lines) => sum + Math.max(lines, 1), 0);
    this.#drawn = [];
    return height === 0 ? "" : `\u001b[${height}A\u001b[J`;
  }
}
