import fc from "fast-check";
import { expect, test } from "vitest";
import { clip, splitText, utf8Bytes } from "#domain/text";
import { Window } from "#worker/window";

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
