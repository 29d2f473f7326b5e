import { readPointer } from "#domain/graph/pointer";
import { isJsonObject, type Json, type JsonObject } from "#domain/json/json";
import { limits } from "#limits/index";

/** Whether a value that fits a schema may have something at a path, as far as the schema says. */
export interface Lies {
  /**
   * `declared`: the schema names it. `open`: the schema does not say. `undeclared`: it names others, and allows more.
   * `cannot`: it rules it out.
   */
  readonly verdict: "declared" | "open" | "undeclared" | "cannot";
  /** Of the last two: the name in question, and the names that are declared there. */
  readonly name: string;
  readonly names: readonly string[];
}

const OPEN: Lies = { verdict: "open", name: "", names: [] };
const DECLARED: Lies = { verdict: "declared", name: "", names: [] };

/**
 * Follows a path through a JSON Schema 2020-12. What it does not understand, it allows.
 *
 * @param parts names and indexes, from the outside in
 */
export function mayLieAt(root: JsonObject, parts: readonly string[]): Lies {
  return new Walk(root).at(root, parts);
}

class Walk {
  readonly #root: JsonObject;
  /** Schemas looked at: alternatives within alternatives, and references in a circle, must come to an end. */
  #looked = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  at(schema: Json | undefined, parts: readonly string[]): Lies {
    const [part, ...rest] = parts;
    if (part === undefined) return DECLARED;
    this.#looked += 1;
    if (!isJsonObject(schema) || this.#looked > limits.schemasOnPath) return OPEN;
    const own = this.#own(schema, part, rest);
    const others = [
      ...(typeof schema.$ref === "string" ? [this.at(this.#target(schema.$ref), parts)] : []),
      ...listOf(schema.allOf).map((each) => this.at(each, parts)),
      ...[schema.anyOf, schema.oneOf].map((each) => this.#any(listOf(each), parts)),
    ];
    return first([own, ...others], ["cannot", "declared", "undeclared"]);
  }

  /** One of several schemas that allows it is enough. */
  #any(schemas: readonly Json[], parts: readonly string[]): Lies {
    return first(
      schemas.map((schema) => this.at(schema, parts)),
      ["declared", "open", "undeclared", "cannot"],
    );
  }

  /** By the schema's own keys, without those that refer to other schemas. */
  #own(schema: JsonObject, part: string, rest: readonly string[]): Lies {
    const mayBeObject = allows(schema, "object");
    const mayBeList = allows(schema, "array") && /^(0|[1-9]\d*)$/.test(part);
    const { properties, patternProperties, additionalProperties: others } = schema;
    const declared = isJsonObject(properties) ? properties : {};
    const names = Object.keys(declared);
    if (!mayBeObject && !mayBeList) return { verdict: "cannot", name: part, names };
    if (mayBeObject && Object.hasOwn(declared, part)) return this.at(declared[part], rest);
    if (mayBeList) return this.#item(schema, Number(part), rest);
    if (patternProperties !== undefined) return OPEN;
    if (others === false) return { verdict: "cannot", name: part, names };
    if (isJsonObject(others)) return this.at(others, rest);
    return names.length > 0 && others === undefined ? { verdict: "undeclared", name: part, names } : OPEN;
  }

  #item({ prefixItems, items }: JsonObject, index: number, rest: readonly string[]): Lies {
    const before = listOf(prefixItems);
    const item = index < before.length ? before[index] : items;
    if (item === false) return { verdict: "cannot", name: String(index), names: [] };
    return item === undefined ? OPEN : this.at(item, rest);
  }

  /** What a reference within the schema leads to; undefined for any other. */
  #target(reference: string): Json | undefined {
    const path = reference.startsWith("#") ? readPointer(decoded(reference.slice(1))) : undefined;
    let found: Json | undefined = path && this.#root;
    for (const part of path ?? []) {
      if (Array.isArray(found)) found = found[Number(part)];
      else found = isJsonObject(found) && Object.hasOwn(found, part) ? found[part] : undefined;
    }
    return found;
  }
}

/** The first verdict of these that is among them. */
function first(all: readonly Lies[], order: readonly Lies["verdict"][]): Lies {
  for (const wanted of order) {
    const found = all.find(({ verdict }) => verdict === wanted);
    if (found) return found;
  }
  return OPEN;
}

function allows({ type }: JsonObject, wanted: string): boolean {
  return type === undefined || type === wanted || (Array.isArray(type) && type.includes(wanted));
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
