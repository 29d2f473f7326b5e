/** Carries types for the compiler; does not exist at run time. */
declare const types: unique symbol;

/** Something that is given an input and has a result, both of which the compiler knows: an agent, or a workflow. */
export interface Typed<Input, Result> {
  readonly [types]?: { readonly input: Input; readonly result: Result };
}
