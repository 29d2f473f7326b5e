import fc from "fast-check";
import { expect, test } from "vitest";
import { isVersion, versionKey } from "#domain/template/version";

const sorted = (versions: readonly string[]) =>
  [...versions].sort((a, b) => (versionKey(a) < versionKey(b) ? -1 : 1));

test("versions sort by semver's precedence when their keys are compared as text", () => {
  const ascending = [
    "0.0.1",
    "0.9.0",
    "0.10.0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-11",
    "1.0.0--",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-alpha0",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0-rc.1+build",
    "1.0.0",
    "1.0.0+build.5",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
    "10.0.0",
    "99999999999999999999.0.0",
  ];

  expect(sorted([...ascending].reverse())).toEqual(ascending);
});

test.each([
  "",
  "1",
  "1.0",
  "v1.0.0",
  "1.0.0.0",
  "01.0.0",
  "1.0.0-",
  "1.0.0-01",
  "1.0.0-a..b",
  "1.0.0+",
  "1.0.0 ",
])("%j is no version", (text) => {
  expect(isVersion(text)).toBe(false);
  expect(() => versionKey(text)).toThrow(RangeError);
});

test("a version of more than 64 characters is none", () => {
  expect(isVersion(`1.0.0-${"a".repeat(58)}`)).toBe(true);
  expect(isVersion(`1.0.0-${"a".repeat(59)}`)).toBe(false);
});

/** Precedence as semver.org tells it, part by part. */
function precedence(a: string, b: string): number {
  const [coreA = "", lateA] = a.split(/-(.*)/s);
  const [coreB = "", lateB] = b.split(/-(.*)/s);
  const numbers = coreA.split(".").map((part, i) => Number(part) - Number(coreB.split(".")[i]));
  const core = numbers.find((difference) => difference !== 0);
  if (core !== undefined) return core;
  if (lateA === undefined || lateB === undefined)
    return Number(lateA === undefined) - Number(lateB === undefined);
  const [wordsA, wordsB] = [lateA.split("."), lateB.split(".")];
  for (const [i, word] of wordsA.entries()) {
    const other = wordsB[i];
    if (other === undefined) return 1;
    const [isNumber, otherIs] = [/^\d+$/.test(word), /^\d+$/.test(other)];
    if (isNumber !== otherIs) return isNumber ? -1 : 1;
    const difference = isNumber ? Number(word) - Number(other) : Number(word > other) - Number(word < other);
    if (difference !== 0) return difference;
  }
  return wordsA.length - wordsB.length;
}

test("keys and precedence agree on any two versions", () => {
  const number = fc.nat({ max: 120 });
  const word = fc.oneof(
    fc.nat({ max: 120 }).map(String),
    fc.stringMatching(/^[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}$/),
  );
  const version = fc
    .tuple(number, number, number, fc.array(word, { maxLength: 3 }))
    .map(([a, b, c, words]) => `${a}.${b}.${c}${words.length === 0 ? "" : `-${words.join(".")}`}`);

  fc.assert(
    fc.property(version, version, (a, b) => {
      const [keyA, keyB] = [versionKey(a), versionKey(b)];
      expect(Math.sign(precedence(a, b))).toBe(Number(keyA > keyB) - Number(keyA < keyB));
    }),
  );
});
