import type { Json } from "./json.js";

/**
 * The type of a value once it was written as JSON and read again: a `Date` is a string, functions and symbols are left out,
 * and what has a `toJSON` is what that returns. Plain JSON types stay as they are.
 */
export type JsonOf<Value> = unknown extends Value
  ? Value
  : [Json] extends [Value]
    ? Value
    : Value extends Plain
      ? Value
      : Value extends Unwritable
        ? undefined
        : Value extends { toJSON(...args: never): infer Written }
          ? JsonOf<Written>
          : Value extends readonly unknown[]
            ? { -readonly [Index in keyof Value]: JsonOf<Value[Index]> }
            : Value extends object
              ? {
                  -readonly [Key in keyof Value as Value[Key] extends Unwritable ? never : Key]: JsonOf<
                    Value[Key]
                  >;
                }
              : never;

type Plain = string | number | boolean | null | undefined;

/** What JSON has no form for: left out of objects. `void` is the result of a function that returns nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is inferred as the type of what such a function returns.
type Unwritable = symbol | void | ((...args: never) => unknown);
