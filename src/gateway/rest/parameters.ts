import { Fault } from "#domain/fault";
import { nearest } from "#domain/nearest";
import { limits } from "#limits/index";

/** The parameters of a query, each of which may be there once, but those that are lists. */
export class Parameters {
  readonly #texts = new Map<string, string[]>();

  /**
   * @param lists names that may be repeated
   * @throws {Fault} `invalid`, naming the parameter that is not known, or is repeated
   */
  constructor(
    query: Iterable<readonly [string, string]>,
    names: readonly string[],
    lists: readonly string[] = [],
  ) {
    let count = 0;
    for (const [name, text] of query) {
      count += 1;
      if (count > limits.queryParameters)
        throw invalid("query", `has more than ${limits.queryParameters} parameters.`);
      if (!names.includes(name)) throw unknown(name, names);
      const before = this.#texts.get(name) ?? [];
      if (before.length > 0 && !lists.includes(name))
        throw invalid(name, "is there twice, and takes one value.");
      this.#texts.set(name, [...before, text]);
    }
  }

  has(name: string): boolean {
    return this.#texts.has(name);
  }

  /** Undefined if it is left out. */
  maybe(name: string): string | undefined {
    return this.#texts.get(name)?.[0];
  }

  /** Empty if it is left out. */
  text(name: string): string {
    return this.maybe(name) ?? "";
  }

  all(name: string): readonly string[] {
    return this.#texts.get(name) ?? [];
  }

  /** @throws {Fault} `invalid` if it is no whole number of the range */
  whole(name: string, least: number, most: number, otherwise: number): number {
    const text = this.text(name);
    if (text === "") return otherwise;
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw invalid(name, `is ${JSON.stringify(text.slice(0, 32))}; send a whole number, ${range}.`);
  }
}

function unknown(name: string, names: readonly string[]): Fault {
  const field = name.slice(0, 256);
  const near = nearest(name, names);
  const verb = names.length === 1 ? "is" : "are";
  const known = names.length === 0 ? "this path takes none." : `there ${verb} ${names.join(", ")}.`;
  const advice = near === undefined ? known : `did you mean ${near}?`;
  return new Fault("invalid", `${field} is no parameter of this path; ${advice}`, {
    field,
    reason: "UNKNOWN_FIELD",
  });
}

export function invalid(field: string, says: string): Fault {
  return new Fault("invalid", `${field} ${says}`, { field, reason: "PARAMETER_INVALID" });
}
