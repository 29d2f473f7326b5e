import { isObjectText, membersOf, withMembers } from "../json/slices.js";
import { utf8Bytes } from "../text/text.js";

/** JSON text that may stand in many assignments, with what is asked of it again and again. */
export interface SharedText {
  readonly text: string;
  /** UTF-8 length. */
  readonly bytes: number;
  /** Names of its members; undefined if it is no object. Read from the text at the first question. */
  readonly names: ReadonlySet<string> | undefined;
}

/** @param bytes its UTF-8 length, where that is known already */
export function sharedText(text: string, bytes = utf8Bytes(text)): SharedText {
  let names: ReadonlySet<string> | undefined;
  return {
    text,
    bytes,
    get names() {
      if (!isObjectText(text)) return undefined;
      names ??= new Set(membersOf(text)?.keys());
      return names;
    },
  };
}

/**
 * What an agent reads: a Task's input with the parts of its Step over it. One that is no object stands under
 * `input` then. A part replaces a member of its name, but for `config`, which is laid over an object of that
 * name. Byte for byte as given where nothing is added.
 *
 * @param parts JSON text of an object; empty if there are none
 */
export function withParts(input: string, parts: string): string {
  if (parts === "") return input;
  const given = isObjectText(input) ? input : `{"input":${input}}`;
  const added = new Map(membersOf(parts));
  const config = added.get(CONFIG);
  const before = config === undefined ? undefined : membersOf(given)?.get(CONFIG);
  if (config && before && isObjectText(config) && isObjectText(before)) {
    added.set(CONFIG, withMembers(before, membersOf(config) ?? new Map()));
  }
  return withMembers(given, added);
}

const CONFIG = "config";

/**
 * The same, and how long it is, without reading the input again or copying it: where nothing is replaced the text
 * is a rope, whose strands the engine joins when it is encoded. All members of a map share their Task's input
 * until then.
 *
 * @param parts as `withMembers` writes an object: without blanks between its members
 */
export function joined(input: SharedText, parts: string): { readonly text: string; readonly bytes: number } {
  if (parts === "") return input;
  const { text, bytes, names } = input;
  const added = utf8Bytes(parts);
  if (names === undefined) {
    return { text: `{"input":${text},${parts.slice(1)}`, bytes: bytes + added + '{"input":'.length };
  }
  if (names.size === 0) return { text: parts, bytes: added };
  for (const name of membersOf(parts)?.keys() ?? []) {
    if (!names.has(name)) continue;
    const replaced = withParts(text, parts);
    return { text: replaced, bytes: utf8Bytes(replaced) };
  }
  // What follows the last member, a brace and blanks, makes room for a comma and the parts less their own brace.
  const end = text.lastIndexOf("}");
  return { text: `${text.slice(0, end)},${parts.slice(1)}`, bytes: bytes - (text.length - end) + added };
}
