import { limits } from "#limits/index";
import type { SliceReader } from "../json/slice-reader.js";
import { clip } from "../text/text.js";
import type { InputMapping, MappedPart } from "./input-mapping.js";
import { pointerOf } from "./pointer.js";

/** The input that a mapping makes, as JSON text, or why it makes none. */
export type MappedInput = { readonly text: string } | { readonly problem: string };

/**
 * Fills the gaps of a mapping. What is read is taken over byte for byte.
 *
 * @param readerOf the data that a part is read from; undefined if there is none
 */
export function fillMapping(
  { pieces, parts }: InputMapping,
  readerOf: (part: MappedPart) => SliceReader | undefined,
): MappedInput {
  const filled = [pieces[0] ?? ""];
  let length = 0;
  for (const [index, part] of parts.entries()) {
    const reader = readerOf(part);
    const value = reader?.at(part.parts);
    if (value === undefined) return { problem: leadsToNothing(part, reader) };
    length += value.length;
    if (length > limits.messageBytes) {
      return { problem: `${part.place} makes the input larger than a message: let the step be given less` };
    }
    filled.push(value, pieces[index + 1] ?? "");
  }
  return { text: filled.join("") };
}

function leadsToNothing(part: MappedPart, reader: SliceReader | undefined): string {
  const { place, parts } = part;
  const source = sourceInWords(part);
  if (reader === undefined) return `${place} is read from ${source}, and there is none`;
  const found = clip(reader.at([]) ?? "", limits.notAListBytes);
  return `${place} is read from ${source} at ${JSON.stringify(pointerOf(parts))}, which leads to nothing; found ${found}`;
}

/** What a part is read from, for messages. */
export function sourceInWords({ source, stepName }: Pick<MappedPart, "source" | "stepName">): string {
  if (source === "result") return `the result of ${JSON.stringify(stepName)}`;
  return source === "input" ? "the task's input" : `the member's ${source}`;
}
