/**
 * Splits and joins JSON text without parsing it. A value is a slice of the text that contains it, so that its digits,
 * escapes, whitespace and the order of its names are preserved byte for byte. All functions require valid JSON, take
 * linear time, and use no recursion. For text that is not JSON they terminate with a meaningless result or a
 * SyntaxError.
 */

/** True if the value is an object. */
export function isObjectText(text: string): boolean {
  return text.charCodeAt(skipBlanks(text, 0)) === OPEN_OBJECT;
}

/** The elements of an array; undefined if the value is not an array. */
export function itemsOf(text: string): string[] | undefined {
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_ARRAY) return undefined;

  const items: string[] = [];
  at = skipBlanks(text, at + 1);
  while (at < text.length && text.charCodeAt(at) !== CLOSE_ARRAY) {
    const end = skipValue(text, at);
    items.push(text.slice(at, end));
    at = skipComma(text, end);
  }
  return items;
}

/** The members of an object by name, the last one of duplicate names; undefined if the value is not an object. */
export function membersOf(text: string): Map<string, string> | undefined {
  if (!isObjectText(text)) return undefined;
  return new Map(scanMembers(text).map(({ name, valueAt, end }) => [name, text.slice(valueAt, end)]));
}

/**
 * The value at a path of names and indexes, from the outside in; undefined if there is none.
 *
 * @param parts a name in an object, or an index in an array, counted from 0
 */
export function sliceAt(text: string, parts: readonly string[]): string | undefined {
  const start = skipBlanks(text, 0);
  let found: string | undefined = text.slice(start, skipValue(text, start));
  for (const part of parts) {
    if (found === undefined) return undefined;
    found = isObjectText(found) ? membersOf(found)?.get(part) : itemAt(found, part);
  }
  return found;
}

function itemAt(text: string, index: string): string | undefined {
  return isIndex(index) ? itemsOf(text)?.[Number(index)] : undefined;
}

/** True for the index of an item, as JSON Pointers have it: there is one way to write each. */
export function isIndex(part: string): boolean {
  return /^(0|[1-9]\d*)$/.test(part);
}

/**
 * The object with further members, which replace members of the same name. Everything else is unchanged.
 *
 * @param added JSON text by name
 */
export function withMembers(object: string, added: ReadonlyMap<string, string>): string {
  const there = scanMembers(object);
  const kept = there.filter(({ name }) => !added.has(name));
  const written = [...added].map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  if (kept.length === 0) return `{${written.join(",")}}`;
  if (written.length === 0) return object;
  // The usual case: nothing is replaced, and the text need not be split.
  if (kept.length === there.length)
    return `${object.slice(0, object.lastIndexOf("}"))},${written.join(",")}}`;
  return `{${[...kept.map(({ at, end }) => object.slice(at, end)), ...written].join(",")}}`;
}

/** A copy of a slice that does not keep the text in memory from which it was cut. */
export function detached(slice: string): string {
  return JSON.parse(JSON.stringify(slice)) as string;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Where a member of an object stands in its text. */
interface Member {
  readonly name: string;
  readonly at: number;
  readonly valueAt: number;
  readonly end: number;
}

/** Every member in its place, those that a later one replaces too. */
function scanMembers(object: string): Member[] {
  const members: Member[] = [];
  let at = skipBlanks(object, skipBlanks(object, 0) + 1);
  while (at < object.length && object.charCodeAt(at) !== CLOSE_OBJECT) {
    const nameEnd = skipString(object, at);
    const valueAt = skipBlanks(object, skipBlanks(object, nameEnd) + 1);
    const end = skipValue(object, valueAt);
    members.push({ name: readName(object, at, nameEnd), at, valueAt, end });
    at = skipComma(object, end);
  }
  return members;
}

/** Two spellings of a name are one name: `"\u0061"` is `"a"`. */
function readName(text: string, at: number, end: number): string {
  const plain = text.slice(at + 1, end - 1);
  return plain.includes("\\") ? (JSON.parse(text.slice(at, end)) as string) : plain;
}

function skipComma(text: string, from: number): number {
  const at = skipBlanks(text, from);
  return text.charCodeAt(at) === COMMA ? skipBlanks(text, at + 1) : at;
}

/** Where the value ends that begins at `from`: always beyond it, so that every loop over values ends. */
function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) return skipWord(text, from);

  let at = from;
  let depth = 0;
  do {
    const c = text.charCodeAt(at);
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth += 1;
    else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) depth -= 1;
    at = c === QUOTE ? skipString(text, at) : at + 1;
  } while (depth > 0 && at < text.length);
  return at;
}

/** A quote ends the string if an even number of backslashes stands before it. */
function skipString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slash = quote;
    while (text.charCodeAt(slash - 1) === BACKSLASH) slash -= 1;
    if ((quote - slash) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** A number, `true`, `false` or `null`. */
function skipWord(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && !endsWord(text.charCodeAt(at))) at += 1;
  return at;
}

function endsWord(c: number): boolean {
  return c === COMMA || c === CLOSE_OBJECT || c === CLOSE_ARRAY || isBlank(c);
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
