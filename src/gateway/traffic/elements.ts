import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** Protobuf's wire types. */
const VARINT = 0;
const BIT_64 = 1;
const BYTES = 2;
const BIT_32 = 5;

/**
 * Counts the elements of a message that become objects when it is parsed: an empty one costs its sender two bytes, and
 * the reader hundreds. Ignores malformed bytes, which the parser refuses.
 *
 * @throws {Fault} `invalid` if there are more than a message may have
 */
export function checkElements(schema: DescMessage, bytes: Uint8Array): void {
  if (bytes.length < limits.uncountedMessageBytes) return;
  if (new Count(bytes).fits(schema)) return;
  throw tooManyElements(limits.messageElements);
}

/**
 * Like {@link checkElements}, for a message in JSON, where the separators between fields count too.
 *
 * @throws {Fault} `invalid`
 */
export function checkJsonElements(bytes: Uint8Array): void {
  if (bytes.length < limits.uncountedMessageBytes) return;
  let left = 2 * limits.messageElements;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) {
      quoted = true;
    } else if (byte === COMMA || byte === BRACE || byte === BRACKET) {
      if (--left < 0) throw tooManyElements(2 * limits.messageElements);
    }
  }
}

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

class Count {
  readonly #bytes: Uint8Array;
  #at = 0;
  #left: number = limits.messageElements;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  fits(schema: DescMessage): boolean {
    this.#walk(schema, this.#bytes.length, 0);
    return this.#left >= 0;
  }

  #walk(schema: DescMessage, end: number, depth: number): void {
    const fields = fieldsOf(schema);
    while (this.#at < end && this.#left >= 0) {
      const tag = this.#varint();
      switch (tag & 7) {
        case VARINT:
          this.#varint();
          break;
        case BIT_64:
          this.#at += 8;
          break;
        case BIT_32:
          this.#at += 4;
          break;
        case BYTES: {
          const length = this.#varint();
          const next = this.#at + length;
          const field = fields.get(tag >>> 3);
          if (field) this.#left--;
          if (field?.message && depth < limits.messageDepth)
            this.#walk(field.message, Math.min(next, end), depth + 1);
          this.#at = next;
          break;
        }
        default:
          this.#at = Number.POSITIVE_INFINITY;
      }
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      if (shift < 28) value |= (byte & 127) << shift;
      else value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  }
}

/** A field of which every occurrence becomes an object or an element. */
interface Counted {
  /** The schema of its content, if that is counted too. */
  readonly message?: DescMessage;
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, Counted>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, Counted> {
  let fields = known.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.flatMap((field) => counted(field)));
    known.set(schema, fields);
  }
  return fields;
}

function counted(field: DescField): [number, Counted][] {
  switch (field.fieldKind) {
    case "message":
      return [[field.number, { message: field.message }]];
    case "list":
      return [[field.number, field.listKind === "message" ? { message: field.message } : {}]];
    case "map":
      return [[field.number, {}]];
    default:
      return [];
  }
}

function tooManyElements(most: number): Fault {
  const message = `the message has more than ${most} elements, such as entries of lists and maps: send less at once.`;
  return new Fault("invalid", message, { reason: "TOO_MANY_ELEMENTS" });
}
