import type { Io } from "./io.js";

/** The other screen of a terminal, without a cursor; and back, so that what was there before is there again. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** The whole screen of stdout, drawn over from the top. */
export class FullScreen {
  readonly #io: Pick<Io, "stdout">;
  #isWriting = false;

  constructor(io: Pick<Io, "stdout">) {
    this.#io = io;
  }

  async open(): Promise<void> {
    await this.#io.stdout.write(ENTER);
  }

  /** Draws the lines, unless a slow terminal is still being written to. */
  async draw(lines: () => readonly string[]): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const text = lines()
      .map((line) => `${line}${CLEAR_LINE}`)
      .join("\n");
    try {
      await this.#io.stdout.write(`${HOME}${text}${CLEAR_BELOW}`);
    } finally {
      this.#isWriting = false;
    }
  }

  async close(): Promise<void> {
    await this.#io.stdout.write(LEAVE);
  }
}
