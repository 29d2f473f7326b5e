import fc from "fast-check";
import { expect, test } from "vitest";
import { isObjectText, itemsOf, membersOf, sliceAt, withMembers } from "#domain/json/slices";

/** JSON text as anybody may write it, with the texts of what it is made of. */
type Written =
  | { readonly kind: "scalar"; readonly text: string }
  | { readonly kind: "array"; readonly text: string; readonly items: readonly Written[] }
  | {
      readonly kind: "object";
      readonly text: string;
      readonly members: readonly (readonly [string, Written])[];
    };

const blank = fc.constantFrom("", "", " ", "\n", "\t ", "\r\n");
const numbers = [
  ...["0", "-0", "42", "1.0", "1e2", "1E400", "-1e-400", "12345678901234567890", "0.30000000000000004"],
  ...["0.1000", "9".repeat(400), "1e+07", "2.5"],
];
const string = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\\u0000",
        "\\ud800",
        "\\udc00\\ud800",
        "\\\\",
        '\\"',
        "\\/",
        "\\n",
        "\\u0022",
        "\u2028",
      ),
      fc.constantFrom("{", "}", "[", "]", ",", ":", "é", "🙂", "42", "-", "a", "__proto__", "\\u0061"),
      fc.string({ unit: "grapheme", maxLength: 4 }).map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => `"${parts.join("")}"`);
const name = fc.oneof(
  string,
  fc.constantFrom('"__proto__"', '"constructor"', '"2"', '"1"', '"a"', '"\\u0061"', '"checkpoint"', '""'),
);

const { value: written } = fc.letrec<{ value: Written }>((extendStep) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    fc
      .oneof(string, fc.constantFrom(...numbers, "true", "false", "null"))
      .map((text): Written => ({ kind: "scalar", text })),
    fc.tuple(fc.array(extendStep("value"), { maxLength: 5 }), blank).map(([items, gap]): Written => {
      const inner = items.map(({ text }) => `${gap}${text}${gap}`).join(",");
      return { kind: "array", items, text: `[${inner || gap}]` };
    }),
    fc
      .tuple(fc.array(fc.tuple(name, extendStep("value")), { maxLength: 5 }), blank)
      .map(([members, gap]): Written => {
        const inner = members.map(([key, { text }]) => `${gap}${key}${gap}:${gap}${text}${gap}`).join(",");
        return { kind: "object", members, text: `{${inner || gap}}` };
      }),
  ),
}));
const object = written.filter(({ kind }) => kind === "object");
const parse = (text: string): unknown => JSON.parse(text);

test("what arrays and objects are taken apart into are slices, byte for byte", () => {
  fc.assert(
    fc.property(written, blank, (value, gap) => {
      const text = `${gap}${value.text}${gap}`;
      parse(text); // the generator writes JSON
      expect(isObjectText(text)).toBe(value.kind === "object");
      expect(sliceAt(text, [])).toBe(value.text);
      expect(itemsOf(text)).toEqual(
        value.kind === "array" ? value.items.map((item) => item.text) : undefined,
      );
      const members =
        value.kind === "object"
          ? new Map(value.members.map(([key, { text }]) => [parse(key) as string, text]))
          : undefined;
      expect(membersOf(text)).toEqual(members);
    }),
    { numRuns: 2_000 },
  );
});

test("a path leads to what JSON.parse would find there, and to nothing else", () => {
  const step = (value: Written): fc.Arbitrary<{ readonly parts: string[]; readonly text: string }> => {
    const here = fc.constant({ parts: [] as string[], text: value.text });
    if (value.kind === "scalar") return here;
    // Of two members with one name the later counts.
    const inner: (readonly [string, Written])[] =
      value.kind === "array"
        ? value.items.map((item, i) => [String(i), item])
        : [...new Map(value.members.map(([key, member]) => [parse(key) as string, member]))];
    if (inner.length === 0) return here;
    return fc
      .constantFrom(...inner)
      .chain(([key, next]) => step(next).map(({ parts, text }) => ({ parts: [key, ...parts], text })));
  };
  const paths = written.chain((value) => step(value).map((found) => ({ whole: value.text, ...found })));
  fc.assert(
    fc.property(paths, ({ whole, parts, text }) => {
      expect(sliceAt(whole, parts)).toBe(text);
      expect(sliceAt(whole, [...parts, "toString"])).toBe(undefined);
      expect(sliceAt(whole, [...parts, "1e99", "x"])).toBe(undefined);
    }),
    { numRuns: 1_000 },
  );
});

test("members are added in place of those of their name, and all else stays as it is", () => {
  const added = fc.uniqueArray(
    fc.tuple(
      name.map((key) => parse(key) as string),
      written,
    ),
    {
      selector: ([key]) => key,
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(object, added, blank, (value, parts, gap) => {
      const map = new Map(parts.map(([key, { text }]) => [key, text]));
      const text = `${gap}${value.text}${gap}`;
      const out = withMembers(text, map);
      parse(out);
      expect(membersOf(out)).toEqual(new Map([...(membersOf(text) ?? []), ...map]));
      if (map.size === 0) expect(JSON.stringify(parse(out))).toBe(JSON.stringify(parse(text)));
    }),
    { numRuns: 2_000 },
  );
});

test("a text of a megabyte is taken apart in a moment, whatever it is made of", () => {
  const MIB = 1024 * 1024;
  const fill = (unit: string, count = Math.floor(MIB / unit.length)) => Array(count).fill(unit).join(",");
  const shapes = {
    numbers: `[${fill("1")}]`,
    quotes: `["${'\\"'.repeat(MIB / 2)}"]`,
    slashes: `["${"\\\\".repeat(MIB / 2)}"]`,
    deep: `${"[".repeat(MIB / 2)}${"]".repeat(MIB / 2)}`,
    doubles: `{${fill('"a":1')}}`,
    blanks: `[1${" ".repeat(MIB)},2]`,
  };
  for (const [name, text] of Object.entries(shapes)) {
    const began = performance.now();
    itemsOf(text);
    membersOf(text);
    sliceAt(text, ["0", "a"]);
    // Some ten milliseconds each; what grows faster than the text takes minutes.
    expect(performance.now() - began, name).toBeLessThan(5_000);
  }
}, 40_000);

test("what is no JSON ends all the same", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'{}[],:"\\a1 \n'), { maxLength: 30 }), (chars) => {
      const text = chars.join("");
      itemsOf(text);
      try {
        sliceAt(text, ["0", "a"]);
        withMembers(text, new Map([["a", "1"]]));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError); // a name with an escape that is none
      }
    }),
    { numRuns: 5_000 },
  );
});
