/**
 * Splits a stream of text into lines of any length up to a bound. A longer line is dropped as it arrives, so that one message
 * which nobody needs, such as an image that a tool has read, ends no Run.
 */
export class MessageLines {
  readonly #charsMax: number;
  /** Pieces of the line that has no end yet; empty while it is being dropped. */
  #pieces: string[] = [];
  #chars = 0;
  #isDropping = false;
  #dropped = 0;

  /** @param charsMax longest line, in UTF-16 units */
  constructor(charsMax: number) {
    this.#charsMax = charsMax;
  }

  /** How many lines were too long. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Returns the lines that this text completes, without their terminators (LF or CRLF). */
  feed(text: string): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#add(text.slice(start, end));
      lines.push(...this.end());
      start = end + 1;
    }
    this.#add(text.slice(start));
    return lines;
  }

  /** Call it at the end of the stream. Returns the last, unterminated line, if there is one. */
  end(): string[] {
    const line = this.#pieces.join("");
    const isWhole = !this.#isDropping && this.#chars > 0;
    this.#pieces = [];
    this.#chars = 0;
    this.#isDropping = false;
    return isWhole ? [line.endsWith("\r") ? line.slice(0, -1) : line] : [];
  }

  #add(piece: string): void {
    if (piece === "" || this.#isDropping) return;
    this.#chars += piece.length;
    if (this.#chars <= this.#charsMax) {
      this.#pieces.push(piece);
      return;
    }
    this.#pieces = [];
    this.#isDropping = true;
    this.#dropped += 1;
  }
}
