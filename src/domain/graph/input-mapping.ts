import type { TaskId } from "../id.js";
import { exactJsonText } from "../json/exact.js";
import { isJsonObject, type Json, type JsonObject } from "../json/json.js";
import { readPointer } from "./pointer.js";

/** What a part of a mapped input is read from: the Task's input, the member's item or its index, or a Step's result. */
export type MappingSource = "input" | "item" | "index" | "result";

/** A part of a Step's input that is read from elsewhere when the Step is assigned. */
export interface MappedPart {
  readonly source: MappingSource;
  /** The Step whose result it is read from; empty for any other source. */
  readonly stepName: string;
  /** Names and indexes within the source, from the outside in. */
  readonly parts: readonly string[];
  /** The place in the Step's input, for messages: `input.text`. */
  readonly place: string;
}

/**
 * A Step's `input` as its plan keeps it: JSON text with gaps, which parts of the Task's data fill. The text begins with
 * the first piece, and between each two pieces is a part.
 */
export interface InputMapping {
  readonly pieces: readonly string[];
  readonly parts: readonly MappedPart[];
  /** The Task whose Steps' results are read, if it is not the Step's own: of a segment of a map, the Task above. */
  readonly resultsOf?: TaskId;
}

/** Something wrong with a mapping. */
export interface MappingProblem {
  readonly message: string;
  /** The name in the mapping under which it is. */
  readonly name: string;
}

/** Reads a step's `input`. Of a template that has passed validation there are no problems. */
export function readMapping(input: JsonObject): {
  readonly mapping: InputMapping;
  readonly problems: readonly MappingProblem[];
} {
  const reader = new MappingReader();
  reader.object(input, "input");
  return { mapping: { pieces: reader.pieces, parts: reader.parts }, problems: reader.problems };
}

/** Writes the JSON text of a mapping, and keeps the gaps in it. */
class MappingReader {
  readonly pieces = [""];
  readonly parts: MappedPart[] = [];
  readonly problems: MappingProblem[] = [];
  #name = "";

  object(value: JsonObject, place: string): void {
    let separator = "{";
    for (const [name, part] of Object.entries(value)) {
      if (place === "input") this.#name = name;
      this.#write(`${separator}${exactJsonText(name)}:`);
      this.#value(part, `${place}.${name}`);
      separator = ",";
    }
    this.#write(separator === "{" ? "{}" : "}");
  }

  #value(value: Json, place: string): void {
    if (Array.isArray(value)) this.#list(value, place);
    else if (!isJsonObject(value)) this.#write(exactJsonText(value));
    else if (Object.hasOwn(value, "from")) this.#reference(value, place);
    else if (Object.hasOwn(value, "const")) this.#constant(value, place);
    else this.object(value, place);
  }

  #list(items: readonly Json[], place: string): void {
    this.#write("[");
    for (const [index, item] of items.entries()) {
      if (index > 0) this.#write(",");
      this.#value(item, `${place}[${index}]`);
    }
    this.#write("]");
  }

  #reference(value: JsonObject, place: string): void {
    const { from, at = "", ...others } = value;
    const [other] = Object.keys(others);
    const parts = typeof at === "string" ? readPointer(at) : undefined;
    if (typeof from !== "string" || from === "")
      this.#problem(place, `has a from that is no name. ${CONSTANT}`);
    else if (other !== undefined) {
      this.#problem(place, `has ${JSON.stringify(other)} beside from; only at may be there. ${CONSTANT}`);
    } else if (parts === undefined) {
      this.#problem(
        place,
        `is at ${JSON.stringify(at)}, which is no JSON Pointer: write /name/0, or leave it out`,
      );
    } else {
      this.parts.push({ ...sourceOf(from), parts, place });
      this.pieces.push("");
    }
  }

  #constant(value: JsonObject, place: string): void {
    const { const: constant = null, ...others } = value;
    const [other] = Object.keys(others);
    if (other !== undefined) {
      this.#problem(
        place,
        `has ${JSON.stringify(other)} beside const, which is alone in its object. ${CONSTANT}`,
      );
    }
    this.#write(exactJsonText(constant));
  }

  #write(text: string): void {
    this.pieces[this.pieces.length - 1] += text;
  }

  #problem(place: string, text: string): void {
    this.problems.push({ message: `${place} ${text}`, name: this.#name });
  }
}

const CONSTANT = "A constant that has such keys is written { const: … }";

const keywords: Readonly<Record<string, MappingSource>> = { input: "input", item: "item", index: "index" };

function sourceOf(from: string): Pick<MappedPart, "source" | "stepName"> {
  const source = Object.hasOwn(keywords, from) ? keywords[from] : undefined;
  return source === undefined ? { source: "result", stepName: from } : { source, stepName: "" };
}
