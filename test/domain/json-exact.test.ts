import fc from "fast-check";
import { expect, test } from "vitest";
import { exactJsonText, exactNumber, exactString, withPlainNumbers } from "#domain/json/exact";
import type { Json } from "#domain/json/json";
import { compact, indented } from "#domain/json/layout";

const strangeNumbers = [
  "12345678901234567890",
  "-9007199254740993",
  "1.10",
  "1.0",
  "1e400",
  "-1E-400",
  "-0",
  "-0.0",
  "0.1000000000000000055511151231257827",
  "1E5",
  "1e+05",
  `1${"0".repeat(400)}`,
];

const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?$/);
/** JSON text of any value, with numbers of any form. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    digits,
    fc.constantFrom("null", "true", ...strangeNumbers),
    fc
      .oneof(
        fc.string({ unit: "binary" }),
        fc.string().map((text) => `\u0000${text}`),
      )
      .map((text) => JSON.stringify(text)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc
      .uniqueArray(
        fc.tuple(
          fc.oneof(
            fc.string(),
            digits.map((text) => `\u0000${text}`),
          ),
          tie("value"),
        ),
        {
          selector: ([name]) => name,
          maxLength: 4,
        },
      )
      // Names like array indexes are put first by JavaScript, whatever is done about numbers.
      .map((members) => members.filter(([name]) => !/^\d+$/.test(name)))
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`),
  ),
})).value;

/** Reads JSON text as a template's reader does. */
function exactOf(text: string): Json {
  const marked = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g, (token) =>
    JSON.stringify(token.startsWith('"') ? exactString(JSON.parse(token)) : exactNumber(token)),
  );
  return JSON.parse(marked) as Json;
}

test("a value is written with every digit that was read, whatever its strings are", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const copied = structuredClone(JSON.parse(JSON.stringify(exactOf(text))));
      expect(exactJsonText(copied)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test.each(strangeNumbers)("%s survives", (number) => {
  const text = `{"a":[${number},"${number}"],"b\\"\\u0000${number}":${number}}`;
  expect(exactJsonText(exactOf(text))).toBe(text);
});

test("numbers that JavaScript writes as they are stay numbers", () => {
  for (const number of ["0", "1", "-1.5", "1e+21", "9007199254740991", "0.1"])
    expect(exactNumber(number)).toBeTypeOf("number");
  for (const number of strangeNumbers) expect(exactNumber(number)).toBeTypeOf("string");
});

test("equal numbers compare as equal however they are written, unless a double would change them", () => {
  const same = (a: string, b: string) =>
    JSON.stringify(withPlainNumbers(exactOf(a))) === JSON.stringify(withPlainNumbers(exactOf(b)));
  expect(same("[1.10]", "[1.1]")).toBe(true);
  expect(same('{"a":1E2}', '{"a":100}')).toBe(true);
  expect(same("12345678901234567890", "12345678901234567891")).toBe(false);
  expect(same("1e400", "1e401")).toBe(false);
});

test("white space is all that a layout changes, and it is laid out as JavaScript does it", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      expect(compact(indented(text))).toBe(text);
    }),
    { numRuns: 1_000 },
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = JSON.parse(text);
      const plain = JSON.stringify(value);
      expect(indented(plain)).toBe(JSON.stringify(value, null, 2));
      expect(compact(JSON.stringify(value, null, 3))).toBe(plain);
    }),
  );
});
