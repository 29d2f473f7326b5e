import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { layerTable } from "./layers.js";
import { limitTables, sections } from "./limits.js";
import { refilled } from "./marked.js";
import { settingTable } from "./settings.js";

/** What each page has from the source, by the name of the part. */
test.each([
  ["docs/limits.md", "limits", limitTables],
  ["docs/operating.md", "settings", settingTable],
  ["src/README.md", "layers", layerTable],
])("the generated part of %s is what the source says", async (path, name, made) => {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));

  await expect(
    refilled(readFileSync(file, "utf8"), name, made()),
    "write it anew with: npm run docs",
  ).toMatchFileSnapshot(file);
});

test("every bound stands once, in one section, with its reason", () => {
  const bounds = sections().flatMap((section) => section.bounds);

  expect(bounds.map(({ name }) => name)).toEqual(Object.keys(limits));
  expect(bounds.filter(({ reason }) => !/^[A-Z].*\.$/.test(reason))).toEqual([]);
  expect(sections().filter(({ heading, text }) => heading === "" || text === "")).toEqual([]);
});

test("bounds cannot be changed, and are read as fast as the fields of a small object", () => {
  setFlagsFromString("--allow-natives-syntax");
  const isFast = new Function("object", "return %HasFastProperties(object)");

  expect(Object.isFrozen(limits)).toBe(true);
  expect(isFast(limits)).toBe(true);
});

test("a page without the marks of a part is refused", () => {
  const page = "before\n<!-- begin x: written by `npm run docs` -->\nold\n<!-- end x -->\nafter\n";

  expect(refilled(page, "x", "new")).toBe(page.replace("old", "\nnew\n"));
  expect(() => refilled(page, "y", "new")).toThrow('lacks the marks of "y"');
});
