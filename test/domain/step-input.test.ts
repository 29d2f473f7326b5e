import fc from "fast-check";
import { expect, test } from "vitest";
import { withMembers } from "#domain/json/slices";
import { joined, sharedText, withParts } from "#domain/task/step-input";
import { utf8Bytes } from "#domain/text/text";

test.each<[string, string, string]>([
  ['{"a":1}', "", '{"a":1}'],
  [" [1, 2]\n", "", " [1, 2]\n"],
  [
    '{"id":123456789012345678901234567890, "b" : 1e400 }',
    '{"item":7}',
    '{"id":123456789012345678901234567890, "b" : 1e400 ,"item":7}',
  ],
  ["{ }", '{"item":7}', '{"item":7}'],
  ["[1]", '{"item":7}', '{"input":[1],"item":7}'],
  ['"\\u0000-"', '{"index":0}', '{"input":"\\u0000-","index":0}'],
  ['{"item":1,"b":2}', '{"item":7}', '{"b":2,"item":7}'],
  ['{"it\\u0065m":1}', '{"item":7}', '{"item":7}'],
  ['{"config":{"a":1,"b":2}}', '{"config":{"b":3}}', '{"config":{"a":1,"b":3}}'],
  ['{"config":5}', '{"config":{"b":3}}', '{"config":{"b":3}}'],
  ['{"__proto__":1}', '{"item":7}', '{"__proto__":1,"item":7}'],
])("%j with the parts %j is %j", (input, parts, whole) => {
  expect(withParts(input, parts)).toBe(whole);
});

const value = fc.json({ maxDepth: 3 });
const object = fc.dictionary(
  fc.oneof(fc.constantFrom("item", "config", "a"), fc.string({ unit: "binary" })),
  value,
  {
    maxKeys: 5,
    noNullPrototype: true,
  },
);
const parts = object.map((members) =>
  Object.keys(members).length === 0 ? "" : withMembers("{}", new Map(Object.entries(members))),
);
const blanks = fc.constantFrom("", " ", "\n\t");

test("joined without copying is the same text, and as long as it is said to be", () => {
  const input = fc
    .tuple(
      blanks,
      fc.oneof(
        value,
        object.map((members) => withMembers("{}", new Map(Object.entries(members)))),
      ),
      blanks,
    )
    .map((three) => three.join(""));
  fc.assert(
    fc.property(input, parts, (text, added) => {
      const made = joined(sharedText(text), added);
      expect(made.text).toBe(withParts(text, added));
      expect(made.bytes).toBe(utf8Bytes(made.text));
      JSON.parse(made.text);
    }),
  );
});
