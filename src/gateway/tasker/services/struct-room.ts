import type { JsonObject } from "@bufbuild/protobuf";
import { limits } from "#limits/index";
import { structOf } from "./structs.js";

/**
 * The room that the objects of one answer share. An object of many small values takes several times the room as a Struct that it has as
 * JSON, and each value is a message to be made: so both are bounded, the values by the number that a request may have.
 */
export class StructRoom {
  #values: number = limits.messageElements;
  #bytes: number = limits.messageBytes - limits.answerSpareBytes;

  /** The Struct of a JSON text, which takes its room; undefined if it is empty, or if there is no room for it. */
  struct(text: string): JsonObject | undefined {
    return text !== "" && this.take([text]) ? structOf(text) : undefined;
  }

  /** Takes the room of all these texts, each so many times; nothing, and false, if there is not enough for all. */
  take(texts: readonly string[], times = 1): boolean {
    const values = times * texts.reduce((sum, text) => sum + valuesIn(text), 0);
    const bytes =
      times * texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + values * VALUE_BYTES;
    if (values > this.#values || bytes > this.#bytes) return false;
    this.#values -= values;
    this.#bytes -= bytes;
    return true;
  }
}

/** What a value takes beside its text: tags and lengths of itself, of its name, and of the list or member that it is. */
const VALUE_BYTES = 16;

/** How many values a JSON text has: each follows a comma or the beginning of a list or object, or is the only one. */
function valuesIn(text: string): number {
  let values = 1;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted && char === BACKSLASH) at++;
    else if (!isQuoted && (char === COMMA || char === BRACE || char === BRACKET)) values++;
  }
  return values;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
