import { unknownName } from "#domain/option-names";

/**
 * Returns options without those that are undefined.
 *
 * @throws {TypeError} if they are no object, or have one that there is not
 */
export function optionsOf<Options extends object>(
  given: Options | undefined,
  where: string,
  known: readonly (keyof Options & string)[],
): Options {
  if (given === undefined) return {} as Options;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`${where} is ${shown(given)}: send an object.`);
  }
  const unknown = unknownName(given, known);
  if (unknown !== undefined) throw new TypeError(`${where} ${unknown}`);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Options;
}

/** A value as messages name it: short, and without what is in it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
