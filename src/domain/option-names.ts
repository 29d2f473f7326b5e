import { nearest } from "./nearest.js";

/**
 * What is wrong with the names of an object's members, as the end of a sentence that begins with the object: `has no agent;
 * did you mean agents?`. Undefined if all are known. A member that is undefined counts as left out.
 */
export function unknownName(given: object, known: readonly string[]): string | undefined {
  const name = namesIn(given).find((each) => !known.includes(each));
  if (name === undefined) return undefined;
  const near = nearest(name, known);
  return `${hasNo(name)} ${near ? `did you mean ${near}?` : `there are ${known.join(", ")}.`}`;
}

/**
 * Like {@link unknownName}, for objects that may have members of their own: only a name that is nearly a known one is wrong,
 * since it is taken for a slip.
 */
export function slipIn(given: object, known: readonly string[]): string | undefined {
  for (const name of namesIn(given)) {
    const near = known.includes(name) ? undefined : nearest(name, known);
    if (near !== undefined) return `${hasNo(name)} did you mean ${near}?`;
  }
  return undefined;
}

function namesIn(given: object): string[] {
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : name));
}

function hasNo(name: string): string {
  return `has no ${name.slice(0, 64)};`;
}
