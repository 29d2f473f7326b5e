import { type DescMessage, fromBinary, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { checkElements, checkJsonElements } from "./elements.js";
import { jsonProblem } from "./json-problem.js";

/**
 * Decodes the messages that peers send, for every mount: so a message that cannot be decoded is refused in the same
 * words whatever the protocol.
 */

/** How the messages of a request are written. */
export type Encoding = "binary" | "json";

/**
 * Decodes one message.
 *
 * @throws {Fault} `invalid` if the bytes are no such message, or have more elements than a message may have; of JSON
 *   it names the field
 */
export function decode<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
  encoding: Encoding,
): MessageShape<Schema> {
  return encoding === "binary" ? decodeBinary(schema, bytes) : decodeJson(schema, bytes);
}

/** Unknown fields of the binary form are dropped: a later client may send them, and each would become an object. */
const KNOWN_ONLY = { readUnknownFields: false };

function decodeBinary<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  checkElements(schema, bytes);
  try {
    return fromBinary(schema, bytes, KNOWN_ONLY);
  } catch (cause) {
    const message = `the message cannot be read as ${schema.typeName}: ${(cause as Error).message}`;
    throw new Fault("invalid", message, { reason: "MESSAGE_MALFORMED", cause });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Unknown names are refused: JSON is written by hand, and a misspelled name would be ignored. */
const STRICT = { ignoreUnknownFields: false };

function decodeJson<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  checkJsonElements(bytes);
  let text: string | undefined;
  try {
    text = utf8.decode(bytes);
    return fromJsonString(schema, text, STRICT);
  } catch (cause) {
    throw jsonProblem(schema, text, cause as Error);
  }
}
