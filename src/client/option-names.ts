/** Every name that options may have. Any other would have no effect, although its author expects one. */
type Names<Options> = Readonly<Record<keyof Options & string, true>>;

/** The names of options as a list, which is complete because its type demands every name. */
export function namesOf<Options>(names: Names<Options>): readonly (keyof Options & string)[] {
  return Object.keys(names) as (keyof Options & string)[];
}
