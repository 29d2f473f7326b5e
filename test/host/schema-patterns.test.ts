import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { linearPattern } from "#host/schemas/pattern";

function matches(pattern: string, text: string): boolean | undefined {
  const linear = linearPattern(pattern);
  return linear && RE2JS.compile(linear.source).test(text);
}

/** Characters in which the two syntaxes, or what they mean, could differ. */
const texts = fc.string({
  unit: fc.constantFrom(..."ab0_- .\n\r\t\v\\/[]{}^$|é\u00a0\u2028\u{1f600}\ud83d\ufeff\u017f\u212aKk"),
  maxLength: 6,
});

const atoms = fc.constantFrom(
  ...["a", "b", "0", "é", "\u{1f600}", ".", "^", "$", "\\b", "\\B", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S"],
  ...[
    "[ab]",
    "[^a]",
    "[]",
    "[^]",
    "[a-z]",
    "[\\s\\d-]",
    "[^\\S]",
    "[\\b]",
    "[\\]\\\\]",
    "[-a]",
    "[a-]",
    "[[]",
  ],
  ...[
    "\\n",
    "\\v",
    "\\0",
    "\\cJ",
    "\\x61",
    "\\u0061",
    "\\u{1f600}",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\/",
    "\\-x",
  ],
  ...[
    "\\.",
    "\\^",
    "\\$",
    "\\|",
    "\\[",
    "\\]",
    "\\{",
    "\\}",
    "k",
    "K",
    "(?<n>a)",
    "[\\u{1f600}-\\u{1f64f}]",
    "-",
  ],
);
const patterns = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: "small" }, atoms, tie("many"), tie("either"), tie("both"), tie("group")),
  many: fc
    .tuple(tie("any"), fc.constantFrom("*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}", "*?", "+?", "??"))
    .map(([atom, times]) => `(?:${atom})${times}`),
  either: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `(${a}|${b})`),
  both: fc.tuple(tie("any"), tie("any")).map(([a, b]) => `${a}${b}`),
  group: tie("any").map((atom) => `(?:${atom}|)`),
})).any as fc.Arbitrary<string>;

test("a pattern that runs in linear time matches what JavaScript's engine matches", () => {
  let taken = 0;
  fc.assert(
    fc.property(patterns, fc.array(texts, { maxLength: 8 }), (pattern, some) => {
      let native: RegExp;
      try {
        native = new RegExp(pattern, "u");
      } catch {
        return;
      }
      for (const text of some) {
        const linear = matches(pattern, text);
        if (linear === undefined) continue;
        taken += 1;
        expect([pattern, text, linear]).toEqual([pattern, text, native.test(text)]);
      }
    }),
    { numRuns: 1_000, seed: 8 },
  );
  expect(taken).toBeGreaterThan(1_500);
});

test.each([
  [".", "\n", false],
  [".", "\u2028", false],
  ["a$", "a\n", false],
  ["^b", "a\nb", false],
  ["\\s", "\ufeff", true],
  ["[\\s]", "\u00a0", true],
  ["\\w", "\u017f", false],
  ["[]", "a", false],
  ["[^]", "\n", true],
  ["^.$", "\u{1f600}", true],
  ["\\ud83d", "\u{1f600}", false],
])("%s means of %j what it means in JavaScript", (pattern, text, expected) => {
  expect(new RegExp(pattern, "u").test(text)).toBe(expected);
  expect(matches(pattern, text)).toBe(expected);
});

test.each([
  "(?=a)",
  "(?!a)",
  "(?<=a)",
  "(a)\\1",
  "(?<n>a)\\k<n>",
  "\\p{L}",
  "a{300}",
  "(a{20}){20}",
  "(".repeat(40) + ")".repeat(40),
])("%s is left to an engine that goes back, in a thread", (pattern) => {
  expect(() => new RegExp(pattern, "u")).not.toThrow();
  expect(linearPattern(pattern)).toBeUndefined();
});

test("what takes JavaScript's engine for ever takes no time", () => {
  expect(matches("^(a+)+$", `${"a".repeat(1_000_000)}!`)).toBe(false);
  expect(matches("^([a-zA-Z0-9_.-]+)+@([a-zA-Z0-9-]+\\.)+[a-z]{2,}$", "a.".repeat(500_000))).toBe(false);
});
