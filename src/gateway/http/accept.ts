/**
 * Whether a reader takes content of a type. Of the ranges that have the type in them the narrowest counts, as RFC 9110 has it:
 * `text/event-stream;q=0` excludes it beside any wider one.
 *
 * @param accept the header `Accept`
 * @param ranges those that have the type in them, the narrowest first
 * @returns undefined if none of them is named
 */
export function takesAny(accept: string, ranges: readonly string[]): boolean | undefined {
  const named = new Map(accept.toLowerCase().split(",").map(readRange));
  const range = ranges.find((each) => named.has(each));
  return range === undefined ? undefined : named.get(range);
}

/** A range, and whether it is taken: with the weight 0 it is not. */
function readRange(text: string): readonly [range: string, taken: boolean] {
  const [range = "", ...parameters] = text.split(";").map((each) => each.trim());
  return [range, !parameters.some((each) => /^q=0(\.0*)?$/.test(each))];
}
