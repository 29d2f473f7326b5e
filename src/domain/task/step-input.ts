import { isObjectText, membersOf, withMembers } from "../json/slices.js";
import { utf8Bytes } from "../text/text.js";

/** JSON text that many assignments share, with cached properties. */
export interface SharedText {
  readonly text: string;
  /** UTF-8 length. */
  readonly bytes: number;
  /** Names of its members; undefined if it is not an object. Computed at the first call. */
  readonly names: ReadonlySet<string> | undefined;
}

/** @param bytes its UTF-8 length, if known */
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
 * The input of an agent: a Task's input merged with the parts of its Step. An input that is not an object becomes the
 * member `input`. A part replaces the member of its name, except `config`, which is merged with an object of that name.
 * Without parts the input is unchanged.
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
 * Like {@link withParts}, with the length of the result, and without reading or copying the input: if nothing is
 * replaced, the text is a rope, which the engine flattens when it is encoded. Until then all members of a map share
 * their Task's input.
 *
 * @param parts as `withMembers` writes an object: without whitespace between its members
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
  // The text after the last member (whitespace and a brace) is replaced by a comma and the parts without their own
  // brace.
  const end = text.lastIndexOf("}");
  return { text: `${text.slice(0, end)},${parts.slice(1)}`, bytes: bytes - (text.length - end) + added };
}
