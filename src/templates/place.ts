import { readPath } from "#domain/path";

/** Says to the compiler what a place will hold; there is nothing of it at run time. */
declare const held: unique symbol;

/** Where a value will be once a Task runs: in its input, or in the result of a step. */
export interface Place<Value> {
  readonly [held]?: Value;
  /** As templates write it: `input/urls`, `results/fetch/items`. */
  readonly path: string;
  /** A part of it, by name or index. */
  at<Key extends KeyOf<Value>>(key: Key): Place<PartAt<Value, Key>>;
}

type KeyOf<Value> = Value extends readonly unknown[]
  ? number
  : Value extends object
    ? keyof Value & string
    : unknown extends Value
      ? string | number
      : never;

type PartAt<Value, Key> = Key extends keyof Value ? Value[Key] : unknown;

export function place<Value>(path: string): Place<Value> {
  return {
    path,
    at(key) {
      const part = String(key);
      if (part === "" || part.includes("/")) {
        throw new RangeError(`${JSON.stringify(part)} cannot stand in a path: names in it have no "/"`);
      }
      return place(`${path}/${part}`);
    },
  };
}

/** The step a path leads to, or undefined if it leads into the input or nowhere. */
export function stepAt(path: string | undefined): string | undefined {
  return (path === undefined ? "" : readPath(path)?.stepName) || undefined;
}
