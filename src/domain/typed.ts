/** Something that is given an input and has a result, both of which the compiler knows: an agent, or a workflow. */
export interface Typed<Input, Result> {
  /**
   * Carries types for the compiler; does not exist at run time. A name and no symbol, so that what one package of this
   * project makes has its types for another one too.
   */
  readonly "~types"?: { readonly input: Input; readonly result: Result };
}
