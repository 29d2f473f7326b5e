import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { iso } from "#domain/time/iso";
import { type Instant, NEVER } from "#domain/time/time";

/** JSON text that is written as it is: what clients sent keeps its digits and its spelling. */
export class JsonText {
  readonly text: string;

  /** @param text whole, valid JSON */
  constructor(text: string) {
    this.text = text;
  }
}

/** What an answer is made of. Members that are undefined are left out. */
export type Part = null | undefined | boolean | number | string | JsonText | readonly Part[] | Parts;
export interface Parts {
  readonly [name: string]: Part;
}

/** An answer as JSON text. */
export function textOf(part: Part): string {
  if (part instanceof JsonText) return part.text;
  if (Array.isArray(part)) return `[${part.map(textOf).join(",")}]`;
  if (typeof part !== "object" || part === null) return JSON.stringify(part ?? null);
  const members = Object.entries(part as Parts).filter(([, value]) => value !== undefined);
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(",")}}`;
}

/** Text that may be empty, as JSON. */
export function jsonOrNull(text: string): JsonText | null {
  return text === "" ? null : new JsonText(text);
}

export function textOrNull(text: string): string | null {
  return text === "" ? null : text;
}

export function timeOrNull(at: Instant): string | null {
  return at === NEVER ? null : iso(at);
}

/** A message of ours as JSON, by the names of its protocol and with all its fields, as the other paths answer with it. */
export function ourParts<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Parts {
  return toJson(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true }) as Parts;
}
