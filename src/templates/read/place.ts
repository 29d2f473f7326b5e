import { readPath } from "#domain/graph/path";

/** Carries a place's value type for the compiler; does not exist at run time. */
declare const valueType: unique symbol;

/**
 * A path to a value of a future Task: in its input, or in the result of a step. Pass it as `over` of a map or `input` of
 * a child.
 *
 * @example
 * ```ts
 * import { type Place, workflow } from "taskrun/templates";
 * import { z } from "zod";
 *
 * const links = z.object({ page: z.object({ links: z.array(z.string()) }) });
 * const crawl = workflow("crawl", { input: links }, (w) => {
 *   const urls: Place<string[]> = w.input.at("page").at("links"); // input/page/links
 *   return w.map("fetch", { agent: "fetch", over: urls, concurrency: 20 });
 * });
 * ```
 */
export interface Place<Value> {
  readonly [valueType]?: Value;
  /** The path as templates write it: `input/urls`, `results/fetch/items`. */
  readonly path: string;
  /** Returns the place of a property or item. @throws {RangeError} if the key is empty or contains `/` */
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

/** Returns the step whose result a path reads; undefined if it reads the input or is no path. */
export function stepAt(path: string | undefined): string | undefined {
  return (path === undefined ? "" : readPath(path)?.stepName) || undefined;
}
