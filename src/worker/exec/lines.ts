/** Splits a stream of text into lines, without their terminators (LF or CRLF). */
export class Lines {
  readonly #charsMax: number;
  #rest = "";

  /** @param charsMax longest line, in UTF-16 units */
  constructor(charsMax: number) {
    this.#charsMax = charsMax;
  }

  /**
   * Returns the lines that this text completes.
   *
   * @throws {RangeError} if a line is too long
   */
  feed(text: string): string[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    this.#check(this.#rest);
    return lines.map((line) => this.#check(line.endsWith("\r") ? line.slice(0, -1) : line));
  }

  /** Call it at the end of the stream. Returns the last, unterminated line, if there is one. */
  end(): string[] {
    const last = this.#rest;
    this.#rest = "";
    return last === "" ? [] : [last];
  }

  #check(line: string): string {
    if (line.length > this.#charsMax)
      throw new RangeError(`a line of output is over ${this.#charsMax} characters`);
    return line;
  }
}
