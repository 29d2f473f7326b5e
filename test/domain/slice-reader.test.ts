import fc from "fast-check";
import { expect, test } from "vitest";
import { pointerOf, readPointer } from "#domain/graph/pointer";
import { SliceReader } from "#domain/json/slice-reader";
import { sliceAt } from "#domain/json/slices";

test("finds what sliceAt finds, however often it is asked", () => {
  const text = '{"a":{"b":[1, 2.0 ,{"c":null}]},"d":"x","a":{"b":[10,{"c":[]}]},"__proto__":{"k":1}}';
  const reader = new SliceReader(text);
  const parts = fc.array(
    fc.constantFrom("a", "b", "c", "d", "0", "1", "2", "-1", "01", "__proto__", "k", ""),
    {
      maxLength: 4,
    },
  );

  fc.assert(
    fc.property(parts, (path) => {
      expect(reader.at(path)).toBe(sliceAt(text, path));
    }),
  );
});

test("an index has one form: another one leads to nothing", () => {
  const reader = new SliceReader('{"a":["first","second"],"01":"a name"}');

  expect(["0", "1", "00", "01", "+1", "1.0", "-0"].map((index) => reader.at(["a", index]))).toEqual([
    '"first"',
    '"second"',
    ...Array(5).fill(undefined),
  ]);
  expect(reader.at(["01"])).toBe('"a name"');
});

test("a pointer is read as it is written", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (parts) => {
      expect(readPointer(pointerOf(parts))).toEqual(parts);
    }),
  );
  expect(["", "/", "/a~1b/~0", "/0/-"].map(readPointer)).toEqual([[], [""], ["a/b", "~"], ["0", "-"]]);
  expect(["a", "#/a", "/~2", "/a~", " /a"].map(readPointer)).toEqual(Array(5).fill(undefined));
});
