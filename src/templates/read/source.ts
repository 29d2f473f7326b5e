import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  type ParsedNode,
  Parser,
} from "yaml";
import { exactJsonText, exactNumber, exactString } from "#domain/json/exact";
import type { Json } from "#domain/json/json";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { digitsOf } from "./digits.js";
import { type Findings, shown } from "./finding.js";

/** A value of the text with its offset, its size and nesting depth; aliases count each time they are used. */
export type Part = { readonly offset: number; readonly bytes: number; readonly depth: number } & (
  | {
      readonly kind: "scalar";
      readonly value: null | boolean | number | string;
      /** Of a number: how JSON writes it with all the digits that stand in the text. */
      readonly digits?: string;
    }
  | { readonly kind: "list"; readonly items: readonly Part[] }
  | { readonly kind: "object"; readonly entries: ReadonlyMap<string, Entry> }
);

export interface Entry {
  /** Offset of the key. */
  readonly offset: number;
  readonly part: Part;
}

/** Parses a text of one YAML or JSON document; undefined if it cannot be read, which the findings explain. */
export function readSource(source: string, lines: LineCounter, findings: Findings): Part | undefined {
  if (utf8Bytes(source) > limits.templateBytes) {
    findings.add("TOO_LARGE", `the text is over ${limits.templateBytes} bytes`, 0);
    return undefined;
  }
  const tokens = tokensOf(source, lines, findings);
  const node = tokens && compose(tokens, source.length, findings);
  const part = node && new Reading(findings).read(node);
  if (part && part.bytes > limits.templateBytes) {
    findings.add(
      "TOO_LARGE",
      `as JSON, its aliases put in, it takes over ${limits.templateBytes} bytes`,
      part.offset,
    );
    return undefined;
  }
  return findings.hasErrors ? undefined : part;
}

/** Tokenizes the text; undefined if its syntax is broken, or it is nested too deep for the recursive reader. */
function tokensOf(source: string, lines: LineCounter, findings: Findings): CST.Token[] | undefined {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens: CST.Token[] = [];
  let pieces = 0;
  for (const piece of new Lexer().lex(source)) {
    pieces += 1;
    if (pieces > limits.templatePieces) {
      findings.add("TOO_LARGE", `the text has more than ${limits.templatePieces} words and signs`, 0);
      return undefined;
    }
    tokens.push(...parser.next(piece));
    if (parser.stack.length > limits.templateNesting) return tooDeep(parser.offset, findings);
  }
  tokens.push(...parser.end());

  const broken = tokens.filter((token) => token.type === "error" || token.type === "directive");
  for (const token of broken.slice(0, limits.templateFindings)) {
    const message =
      "message" in token ? token.message : "directives such as %YAML are not taken: leave it out";
    findings.add("SYNTAX", message, token.offset);
  }
  return findings.hasErrors ? undefined : tokens;
}

function compose(tokens: readonly CST.Token[], length: number, findings: Findings): ParsedNode | undefined {
  // `Reading` finds duplicate keys: the composer compares all pairs, which takes minutes for some texts.
  const options = { schema: "core", prettyErrors: false, uniqueKeys: false, strict: true } as const;
  const [document, another] = withoutStacks(() => {
    const [first, second] = new Composer(options).compose(tokens, true, length);
    return [first, second] as const;
  });
  if (document === undefined) return undefined;

  for (const { message, pos } of [...document.errors, ...document.warnings].slice(
    0,
    limits.templateFindings,
  )) {
    findings.add("SYNTAX", message, pos[0]);
  }
  if (another) {
    const message = "a second document begins: send one template in one text";
    findings.add("SYNTAX", message, another.contents?.range[0] ?? another.range[0]);
  }
  if (findings.hasErrors) return undefined;
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    findings.add(
      "SYNTAX",
      "the text is empty: a template has at least name, namespace_name, version, steps",
      0,
    );
    return undefined;
  }
  return document.contents;
}

/** Runs `work` without stack traces: the composer creates an error for each mistake, and many traces take a second. */
function withoutStacks<Result>(work: () => Result): Result {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = before;
  }
}

function tooDeep(offset: number, findings: Findings): undefined {
  findings.add("TOO_DEEP", `more than ${limits.jsonDepth} lists and objects lie within one another`, offset);
}

/**
 * Converts nodes to parts. An anchor's part is made once and shared by its aliases, while `bytes` and `depth` count it
 * each time, so that a text whose aliases expand exponentially is refused before it is expanded.
 */
class Reading {
  readonly #findings: Findings;
  readonly #anchors = new Map<string, Part>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** @param level number of lists and objects around the node */
  read(node: ParsedNode, level = 0): Part {
    const offset = node.range[0];
    if (isAlias(node)) return this.#alias(node.source, offset, level);
    if (!isScalar(node) && level === limits.jsonDepth) return this.#tooDeep(offset);
    const part = isMap(node)
      ? this.#object(node.items, offset, level + 1)
      : isSeq(node)
        ? this.#list(node.items as ParsedNode[], offset, level + 1)
        : this.#scalar(node.value, node.source, offset);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, part);
    return part;
  }

  #alias(name: string, offset: number, level: number): Part {
    const part = this.#anchors.get(name);
    if (part) return level + part.depth > limits.jsonDepth ? this.#tooDeep(offset) : { ...part, offset };

    this.#findings.add("SYNTAX", `the alias *${name} stands for nothing before it`, offset);
    return scalar(null, offset);
  }

  #tooDeep(offset: number): Part {
    tooDeep(offset, this.#findings);
    return scalar(null, offset);
  }

  #scalar(value: unknown, source: string | undefined, offset: number): Part {
    if (typeof value === "number") {
      const digits = digitsOf(source ?? "");
      if (digits !== undefined)
        return { kind: "scalar", value, digits, offset, bytes: digits.length, depth: 0 };
      if (Number.isFinite(value)) return scalar(value, offset);
      this.#findings.add("WRONG_TYPE", `${value} is no number that JSON has`, offset);
      return scalar(0, offset);
    }
    if (typeof value === "string" || typeof value === "boolean") return scalar(value, offset);
    return scalar(null, offset);
  }

  #list(nodes: readonly ParsedNode[], offset: number, level: number): Part {
    const items = nodes.map((node) => (isPair(node) ? scalar(null, offset) : this.read(node, level)));
    return { kind: "list", items, offset, ...measure(items, items.length) };
  }

  #object(
    pairs: readonly { key: ParsedNode; value: ParsedNode | null }[],
    offset: number,
    level: number,
  ): Part {
    const entries = new Map<string, Entry>();
    let bytes = 0;
    for (const { key, value } of pairs) {
      const at = key.range[0];
      const name = this.#key(key);
      const part = value === null ? scalar(null, at) : this.read(value, level);
      if (name === undefined) continue;
      if (entries.has(name)) {
        this.#findings.add("DUPLICATE_KEY", `the key ${shown(name)} stands here twice: take one out`, at);
      }
      entries.set(name, { offset: at, part });
      bytes += utf8Bytes(name) + 4;
    }
    return {
      kind: "object",
      entries,
      offset,
      ...measure(
        [...entries.values()].map(({ part }) => part),
        bytes,
      ),
    };
  }

  #key(key: ParsedNode): string | undefined {
    const value = isScalar(key) ? key.value : undefined;
    if (value === "<<" && isScalar(key) && key.type === "PLAIN") {
      const message =
        "merge keys (<<) are not taken: write the keys out, or put a key of that name in quotes";
      this.#findings.add("SYNTAX", message, key.range[0]);
      return undefined;
    }
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      return String(value);

    this.#findings.add("SYNTAX", "a key is no text: put it in quotes", key.range[0]);
    return undefined;
  }
}

function scalar(value: null | boolean | number | string, offset: number): Part {
  const bytes = typeof value === "string" ? utf8Bytes(value) + 2 : 4;
  return { kind: "scalar", value, offset, bytes, depth: 0 };
}

function measure(parts: readonly Part[], own: number): { bytes: number; depth: number } {
  let [bytes, depth] = [own + 2, 1];
  for (const part of parts) {
    bytes += part.bytes;
    depth = Math.max(depth, part.depth + 1);
  }
  return { bytes, depth };
}

/** Returns a part's value, in which numbers keep their digits: see `domain/json/exact.ts`. */
export function jsonOf(part: Part): Json {
  switch (part.kind) {
    case "scalar":
      if (part.digits !== undefined) return exactNumber(part.digits);
      return typeof part.value === "string" ? exactString(part.value) : part.value;
    case "list":
      return part.items.map(jsonOf);
    case "object":
      return Object.fromEntries(
        [...part.entries].map(([name, entry]) => [exactString(name), jsonOf(entry.part)]),
      );
  }
}

/** Returns a part's value with JavaScript's numbers; undefined if one of them is larger than these go. */
export function plainJsonOf(part: Part): Json | undefined {
  const text = exactJsonText(jsonOf(part));
  const value: Json = JSON.parse(text);
  return isFiniteJson(value) ? value : undefined;
}

function isFiniteJson(value: Json): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isFiniteJson);
}
