import { limits } from "#limits/index";

/**
 * A JSON Schema pattern translated for RE2, which takes linear time. Patterns are ECMAScript regular expressions with the
 * flag `u`; RE2's syntax is similar but differs in the meaning of `.`, `\s`, `[]` and `$`. The translation writes every
 * character as a code point and every class as ranges, which is unambiguous.
 */
export interface LinearPattern {
  /** For RE2. */
  readonly source: string;
  /** Approximate number of RE2 instructions, which bounds the steps per character. */
  readonly size: number;
}

const LAST = 0x10ffff;

type Range = readonly [from: number, to: number];

/**
 * Translates a pattern; undefined if it needs backtracking (look-around, back references), uses Unicode properties or is
 * large.
 *
 * @param pattern valid for `new RegExp(pattern, "u")`
 */
export function linearPattern(pattern: string): LinearPattern | undefined {
  try {
    return new PatternReader(pattern).read();
  } catch (error) {
    if (error === unfit) return undefined;
    throw error;
  }
}

const unfit = new Error("not for a linear engine");

class PatternReader {
  readonly #points: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    if (pattern.length > 4 * limits.cheapPatternSize) throw unfit;
    this.#points = [...pattern];
  }

  read(): LinearPattern {
    const whole = this.#alternatives(0);
    if (this.#at < this.#points.length || whole.size > limits.cheapPatternSize) throw unfit;
    return whole;
  }

  #alternatives(depth: number): LinearPattern {
    if (depth > limits.cheapPatternDepth) throw unfit;
    const branches: LinearPattern[] = [];
    do branches.push(this.#sequence(depth));
    while (this.#takes("|"));
    const source = branches.map((branch) => branch.source).join("|");
    return { source, size: sum(branches) + branches.length };
  }

  #sequence(depth: number): LinearPattern {
    const terms: LinearPattern[] = [];
    while (this.#at < this.#points.length && this.#peek() !== "|" && this.#peek() !== ")") {
      terms.push(this.#repeated(this.#term(depth)));
    }
    return { source: terms.map((term) => term.source).join(""), size: sum(terms) };
  }

  #term(depth: number): LinearPattern {
    const point = this.#take();
    switch (point) {
      case "^":
        return { source: "\\A", size: 1 };
      case "$":
        return { source: "\\z", size: 1 };
      case ".":
        return classOf(complement(NEWLINES));
      case "[":
        return classOf(this.#class());
      case "(":
        return this.#group(depth);
      case "\\":
        return this.#escaped();
      default:
        return classOf([one(point)]);
    }
  }

  #group(depth: number): LinearPattern {
    if (this.#takes("?") && !this.#takes(":")) {
      if (!this.#takes("<") || this.#peek() === "=" || this.#peek() === "!") throw unfit;
      while (this.#take() !== ">"); // only back references use the name
    }
    const { source, size } = this.#alternatives(depth + 1);
    if (!this.#takes(")")) throw unfit;
    return { source: `(?:${source})`, size };
  }

  #escaped(): LinearPattern {
    const point = this.#peek();
    if (point === "b" || point === "B") return { source: `\\${this.#take()}`, size: 1 };
    return classOf(this.#escape());
  }

  /** After a backslash, in a class or outside one. */
  #escape(): readonly Range[] {
    const point = this.#take();
    const set = SETS[point];
    if (set) return set;
    const code = CONTROLS[point];
    if (code !== undefined) return [[code, code]];
    if (point === "c") return [one(String.fromCharCode(this.#take().charCodeAt(0) % 32))];
    if (point === "0" && !/[0-9]/.test(this.#peek())) return [[0, 0]];
    if (point === "x") return [this.#hex(2)];
    if (point === "u") return [this.#unicode()];
    if (/[\^$\\.*+?()[\]{}|/-]/.test(point)) return [one(point)];
    throw unfit;
  }

  #unicode(): Range {
    if (this.#takes("{")) {
      let digits = "";
      while (this.#peek() !== "}") digits += this.#take();
      this.#take();
      const code = Number.parseInt(digits, 16);
      return [code, code];
    }
    const [high] = this.#hex(4);
    const [slash, u] = [this.#points[this.#at], this.#points[this.#at + 1]];
    if (high < 0xd800 || high > 0xdbff || slash !== "\\" || u !== "u") return [high, high];
    const before = this.#at;
    this.#at += 2;
    if (this.#peek() !== "{") {
      const [low] = this.#hex(4);
      const code = (high - 0xd800) * 0x400 + (low - 0xdc00) + 0x1_0000;
      if (low >= 0xdc00 && low <= 0xdfff) return [code, code];
    }
    this.#at = before;
    return [high, high];
  }

  #hex(digits: number): Range {
    let text = "";
    while (text.length < digits) text += this.#take();
    const code = Number.parseInt(text, 16);
    if (Number.isNaN(code)) throw unfit;
    return [code, code];
  }

  #class(): readonly Range[] {
    const negated = this.#takes("^");
    const ranges: Range[] = [];
    while (!this.#takes("]")) {
      const from = this.#classAtom();
      const isRange = this.#peek() === "-" && this.#points[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#take();
      const to = this.#classAtom();
      ranges.push([(from[0] as Range)[0], (to[0] as Range)[1]]);
    }
    return negated ? complement(ranges) : ranges;
  }

  #classAtom(): readonly Range[] {
    const point = this.#take();
    if (point !== "\\") return [one(point)];
    if (this.#takes("b")) return [[8, 8]];
    return this.#escape();
  }

  #repeated({ source, size }: LinearPattern): LinearPattern {
    const counts = this.#counts();
    if (counts === undefined) return { source, size };
    this.#takes("?"); // laziness does not change whether the pattern matches
    const [least, most] = counts;
    const copies = Math.max(least, most === Number.POSITIVE_INFINITY ? least + 1 : most, 1);
    if (size * copies > limits.cheapPatternSize) throw unfit;
    const suffix = most === Number.POSITIVE_INFINITY ? `{${least},}` : `{${least},${most}}`;
    return { source: `(?:${source})${suffix}`, size: size * copies + copies };
  }

  #counts(): Range | undefined {
    if (this.#takes("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#takes("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#takes("?")) return [0, 1];
    if (!this.#takes("{")) return undefined;
    const least = this.#number();
    const comma = this.#takes(",");
    const open = comma && this.#peek() === "}";
    const most = !comma ? least : open ? Number.POSITIVE_INFINITY : this.#number();
    this.#take();
    return [least, most];
  }

  #number(): number {
    let digits = "";
    while (/[0-9]/.test(this.#peek())) digits += this.#take();
    return Number(digits);
  }

  #peek(): string {
    return this.#points[this.#at] ?? "";
  }

  #take(): string {
    const point = this.#points[this.#at];
    if (point === undefined) throw unfit;
    this.#at += 1;
    return point;
  }

  #takes(point: string): boolean {
    const found = this.#points[this.#at] === point;
    if (found) this.#at += 1;
    return found;
  }
}

function sum(parts: readonly LinearPattern[]): number {
  return parts.reduce((all, { size }) => all + size, 0);
}

function one(point: string): Range {
  const code = point.codePointAt(0) ?? 0;
  return [code, code];
}

/** Writes a class; an empty one matches nothing. */
function classOf(ranges: readonly Range[]): LinearPattern {
  const all = ranges.length === 0 ? [[0, LAST] as const] : ranges;
  const text = all
    .map(([from, to]) => (from === to ? number(from) : `${number(from)}-${number(to)}`))
    .join("");
  return { source: `[${ranges.length === 0 ? "^" : ""}${text}]`, size: 1 };
}

function number(code: number): string {
  return `\\x{${code.toString(16)}}`;
}

function complement(ranges: readonly Range[]): readonly Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > next) gaps.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  return next > LAST ? gaps : [...gaps, [next, LAST]];
}

const NEWLINES: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACES: readonly Range[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const SETS: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };
