import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { clip, splitText, utf8Bytes } from "#domain/text/text";
import { Window } from "#worker/run/window";

test("a split text is the same text, in pieces that fit and break no character", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 200 });
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 40 }), (whole, bytesMax) => {
      const pieces = splitText(whole, bytesMax);

      expect(pieces.join("")).toBe(whole);
      for (const piece of pieces) {
        expect(utf8Bytes(piece)).toBeLessThanOrEqual(bytesMax);
        expect(Buffer.from(piece).toString()).toBe(piece);
      }
    }),
  );
});

/** Any text a program can hold, halves of surrogate pairs included. */
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), {
    maxLength: 60,
  })
  .map((codes) => String.fromCharCode(...codes));

test("text is as long as the wire makes it, whatever it is cut from", () => {
  fc.assert(
    fc.property(units, fc.integer({ min: 4, max: 20 }), (text, bytesMax) => {
      const onTheWire = toBinary(StringValueSchema, create(StringValueSchema, { value: text }));
      // An empty field is not written at all; any other has its tag and its length before it.
      const written = text === "" ? 0 : new BinaryReader(onTheWire.subarray(1)).bytes().length;
      expect(utf8Bytes(text)).toBe(written);
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
      expect(utf8Bytes(text.toWellFormed())).toBe(utf8Bytes(text));

      const pieces = splitText(text, bytesMax);
      expect(pieces.join("")).toBe(text);
      expect(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)).toBe(utf8Bytes(text));
      for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(bytesMax);
      expect(clip(text, bytesMax)).toBe(pieces[0] ?? "");
    }),
  );
});

test("an empty text is no piece, and a clipped one ends between characters", () => {
  expect(splitText("", 4)).toEqual([]);
  expect(clip("aé😀b", 6)).toBe("aé");
});

test("who does not fit into the window waits, and nobody overtakes", async () => {
  const window = new Window(10);
  const { signal } = new AbortController();
  const entered: string[] = [];
  await window.enter(8, signal);
  const large = window.enter(5, signal).then(() => entered.push("large"));
  const small = window.enter(1, signal).then(() => entered.push("small"));
  expect(entered).toEqual([]);

  window.leave(8);
  await Promise.all([large, small]);

  expect(entered).toEqual(["large", "small"]);
  expect(window.used).toBe(6);
});

test("who gives up waiting leaves the way free", async () => {
  const window = new Window(10);
  const impatient = new AbortController();
  await window.enter(10, impatient.signal);
  const given = window.enter(5, impatient.signal);
  impatient.abort(new Error("enough"));

  await expect(given).rejects.toThrow("enough");
  window.leave(10);
  expect(window.used).toBe(0);
});
