import fc from "fast-check";
import { expect, test } from "vitest";
import { developmentNumber, developmentVersion } from "#domain/template/development";
import { isVersion, versionKey } from "#domain/template/version";

test.each([
  ["1.4.0", 2, "1.4.0-dev.2"],
  ["1.4.0-rc.1", 2, "1.4.0-rc.1-dev.2"],
  ["1.4.0+b7.x-1", 11, "1.4.0-dev.11+b7.x-1"],
  ["1.4.0-dev.3", 1, "1.4.0-dev.3-dev.1"],
])("%s in development is a version, before the one that it stands for", (version, n, expected) => {
  const made = developmentVersion(version, n);
  expect(made).toBe(expected);
  expect(isVersion(made)).toBe(true);
  expect(developmentNumber(made, version)).toBe(n);
  if (!version.includes("-")) expect(versionKey(made) < versionKey(version)).toBe(true);
});

test.each([
  ["1.4.0", "1.4.0"],
  ["1.4.0-dev.0", "1.4.0"],
  ["1.4.0-dev.01", "1.4.0"],
  ["1.4.0-dev.2", "1.4.1"],
  ["1.4.0-dev.2+b", "1.4.0"],
  ["1.4.0-dev", "1.4.0"],
  ["1.4.0-dev.2.x", "1.4.0"],
  ["1.4.0-rc.1-dev.2", "1.4.0"],
])("%s does not stand for %s", (candidate, version) => {
  expect(developmentNumber(candidate, version)).toBe(0);
});

test("later ones come after earlier ones", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 100_000 }), (a, b) => {
      const [first, second] = [developmentVersion("1.0.0", a), developmentVersion("1.0.0", b)];
      expect(versionKey(first) < versionKey(second)).toBe(a < b);
    }),
  );
});
