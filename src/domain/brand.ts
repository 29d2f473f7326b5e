/** A class, of which only the prototype matters here. */
type Kind = abstract new (...args: never) => object;

/**
 * Makes `instanceof` true for what another copy of this code has made of the same class. A program may load two: that of
 * `taskrun` and that of `@taskrun/sdk`, or two versions of one. An agent of one is run by the worker of the other, so what
 * it throws and returns must be known there. Subclasses keep the usual rule unless they are branded themselves.
 *
 * @param name the same in every copy, and in every version whose instances have the same members
 */
export function brand(kind: Kind, name: string): void {
  const mark = Symbol.for(`taskrun.${name}`);
  Object.defineProperty(kind.prototype, mark, { value: true });
  Object.defineProperty(kind, Symbol.hasInstance, {
    value(this: Kind, thing: unknown): boolean {
      if (this !== kind) return Function.prototype[Symbol.hasInstance].call(this, thing);
      return typeof thing === "object" && thing !== null && mark in thing;
    },
  });
}
