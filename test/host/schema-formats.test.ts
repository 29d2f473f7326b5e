import { fullFormats } from "ajv-formats/dist/formats.js";
import { expect, test } from "vitest";
import { costOfFormat } from "#host/schemas/formats";

/** What an engine may go back over: beginnings of values, and what then goes on for ever. */
const beginnings = [
  "",
  "a",
  "a@",
  "a@a.",
  "a:",
  "a://",
  "a://a@",
  "a://[",
  "a://a:1",
  "/",
  "P1Y",
  "2020-01-01",
  "2020-01-01T00:00:00.",
];
const beginningsOfMore = ["00:00:00.", "urn:uuid:", "::", "1.", "#/", "a?", "a#", "https://a"];
const units = [
  "a",
  "1",
  "-",
  ".",
  "a.",
  "a-",
  "/",
  "/a",
  "%41",
  ":",
  "::",
  "1:",
  "@",
  "a@",
  "#",
  "?",
  "a:",
  "T",
  " ",
  "é",
  "~0",
  "{a}",
  "_",
  "a.-",
];
const endings = ["", "!", "@"];

function check(name: keyof typeof fullFormats, text: string): void {
  const format = fullFormats[name];
  if (format instanceof RegExp) format.test(text);
  else if (typeof format === "function") (format as (text: string) => boolean)(text);
  else if (typeof format === "object" && "validate" in format) {
    (format.validate as unknown as (text: string) => boolean)(text);
  }
}

function timeOf(name: keyof typeof fullFormats, text: string): number {
  const began = performance.now();
  check(name, text);
  return performance.now() - began;
}

const linear = (Object.keys(fullFormats) as (keyof typeof fullFormats)[]).filter(
  (name) => costOfFormat(name) !== undefined,
);

/** A square would take 256 times as long for 16 times the text, and seconds for the longer one. */
test.each(linear)("%s takes time in proportion to the text, whatever it is", { timeout: 60_000 }, (name) => {
  for (const beginning of [...beginnings, ...beginningsOfMore]) {
    for (const unit of units) {
      for (const ending of endings) {
        const text = `${beginning}${unit.repeat(4_096 / unit.length)}${ending}`;
        if (Array.from({ length: 5 }).some(() => timeOf(name, text) < 10)) continue;
        expect.fail(`${name} takes long for ${JSON.stringify(text.slice(0, 60))}`);
      }
    }
  }
});

test.each(linear)("%s comes to an end over a text of 1 MiB", { timeout: 60_000 }, (name) => {
  for (const beginning of ["", "a@", "a://", "/", "a:", "::"]) {
    for (const unit of ["a", "a.", "/a", "1", "%41", "a-", ":"]) {
      const text = `${beginning}${unit.repeat((1 << 20) / unit.length)}!`;
      expect([name, unit, timeOf(name, text) < 10_000]).toEqual([name, unit, true]);
    }
  }
});

test("formats that go back, or that this version does not know to be linear, are not among them", () => {
  expect(costOfFormat("url")).toBeUndefined();
  expect(costOfFormat("regex")).toBeUndefined();
  expect(costOfFormat("color")).toBe(0);
});
