import { tooDeepAt } from "#domain/json/depth";

/**
 * What is wrong with a JSON text, and where; undefined if it is valid. `JSON.parse` decides. Only if it refuses the
 * text, the text is parsed again to find the place, which V8 does not always report.
 *
 * @param maxDepth how deep arrays and objects may be nested
 */
export function jsonProblem(text: string, maxDepth: number): string | undefined {
  const tooDeep = depthProblem(text, maxDepth);
  if (tooDeep !== undefined) return tooDeep;
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return `is not JSON: ${place(text, new Reader(text).firstError())}. Send valid JSON text.`;
  }
}

function depthProblem(text: string, maxDepth: number): string | undefined {
  const at = tooDeepAt(text, maxDepth);
  if (at === undefined) return undefined;
  return `is nested deeper than ${maxDepth} levels: ${place(text, at)}. Send flatter JSON, or the inner part as a string.`;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

function place(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - before.lastIndexOf("\n");
  const found =
    offset < text.length ? `unexpected ${JSON.stringify(text[offset])}` : "the text ends too early";
  return `${found} at line ${line}, column ${column}`;
}

/** Thrown at the first invalid character. */
class Unexpected extends Error {}

/** Parses a text of bounded depth by the grammar of RFC 8259, only to find the place of the first error. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  firstError(): number {
    try {
      this.#value();
      this.#blank();
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
    }
    return this.#at;
  }

  #value(): void {
    this.#blank();
    const c = this.#text[this.#at];
    if (c === "{") this.#list("}", () => this.#member());
    else if (c === "[") this.#list("]", () => this.#value());
    else if (c === '"') this.#string();
    else this.#word();
    this.#blank();
  }

  #list(close: string, item: () => void): void {
    this.#at++;
    this.#blank();
    if (this.#take(close)) return;
    do item();
    while (this.#take(","));
    if (!this.#take(close)) throw new Unexpected();
  }

  #member(): void {
    this.#blank();
    if (this.#text[this.#at] !== '"') throw new Unexpected();
    this.#string();
    this.#blank();
    if (!this.#take(":")) throw new Unexpected();
    this.#value();
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c === QUOTE) break;
      if (Number.isNaN(c) || c < 0x20) throw new Unexpected();
      if (c === BACKSLASH) this.#match(/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y);
      else this.#at++;
    }
    this.#at++;
  }

  #word(): void {
    this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y);
  }

  #match(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) throw new Unexpected();
    this.#at = pattern.lastIndex;
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #blank(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }
}
