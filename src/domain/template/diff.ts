import { limits } from "#limits/index";
import { exactJsonText } from "../json/exact.js";
import { isJsonObject, type Json } from "../json/json.js";
import type { TemplateBody } from "./template.js";

/**
 * The differences between two bodies, as at most ten lines such as
 * `steps.charge.retry.max_attempts: 3 → 5`; the last one counts what was left out. Empty if the bodies are the same,
 * whatever the order of their keys. Steps and other parts with names are compared by them.
 */
export function differences(before: TemplateBody, after: TemplateBody): string[] {
  const lines = [...differing(before as unknown as Json, after as unknown as Json, "")];
  if (lines.length <= limits.differencesNamed) return lines;

  return [
    ...lines.slice(0, limits.differencesNamed - 1),
    `and ${lines.length - limits.differencesNamed + 1} more`,
  ];
}

function* differing(before: Json | undefined, after: Json | undefined, path: string): Generator<string> {
  if (isJsonObject(before) && isJsonObject(after)) {
    yield* differingParts(partsOf(before), partsOf(after), path);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    yield* differingLists(before as readonly Json[], after as readonly Json[], path);
  } else if (before !== after) {
    yield `${path}: ${shown(before)} → ${shown(after)}`;
  }
}

function* differingLists(before: readonly Json[], after: readonly Json[], path: string): Generator<string> {
  const [named, namedAfter] = [byName(before), byName(after)];
  if (!named || !namedAfter) {
    yield* differingParts(byIndex(before), byIndex(after), path);
    return;
  }

  yield* differingParts(named, namedAfter, path);
  const [kept, keptAfter] = [common(named, namedAfter), common(namedAfter, named)];
  if (kept.some((name, i) => name !== keptAfter[i])) {
    yield `${path}: the order ${shown(kept)} → ${shown(keptAfter)}`;
  }
}

type Parts = ReadonlyMap<string, Json>;

function* differingParts(before: Parts, after: Parts, path: string): Generator<string> {
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    yield* differing(before.get(name), after.get(name), path === "" ? name : `${path}.${name}`);
  }
}

function partsOf(value: { readonly [name: string]: Json }): Parts {
  return new Map(Object.entries(value).filter(([, part]) => part !== undefined));
}

function byIndex(list: readonly Json[]): Parts {
  return new Map(list.map((item, i) => [String(i), item]));
}

/** The items by their names, or undefined unless each has one of its own. */
function byName(list: readonly Json[]): Parts | undefined {
  const named = new Map<string, Json>();
  for (const item of list) {
    if (!isJsonObject(item) || typeof item.name !== "string" || named.has(item.name)) return undefined;
    named.set(item.name, item);
  }
  return named;
}

function common(names: Parts, others: Parts): string[] {
  return [...names.keys()].filter((name) => others.has(name));
}

function shown(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  const text = exactJsonText(value);
  return text.length <= limits.differenceChars ? text : `${text.slice(0, limits.differenceChars - 1)}…`;
}
