import { isJsonNumber } from "#domain/json/exact";

/**
 * How JSON writes a number that YAML writes as `source`, with all its digits; undefined if it has no form for it, as for
 * `.inf`. YAML has forms that JSON lacks: `+1`, `.5`, `1.`, `007`, `0x1f`, `0o17`.
 */
export function digitsOf(source: string): string | undefined {
  if (isJsonNumber(source)) return source;
  if (/^0(?:x[0-9a-fA-F]+|o[0-7]+)$/.test(source)) return BigInt(source).toString();
  const [, sign = "", whole = "", fraction = "", exponent = ""] =
    /^([-+]?)(\d*)(?:\.(\d*))?([eE][-+]?\d+)?$/.exec(source) ?? [];
  if (whole === "" && fraction === "") return undefined;
  const first = whole.replace(/^0+(?=\d)/, "") || "0";
  return `${sign === "-" ? sign : ""}${first}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
}
