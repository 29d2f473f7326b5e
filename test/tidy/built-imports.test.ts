/** Programs that tests start import what is built, where no compiler looks: a name that has moved would be missed only when they run. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const programs = ["test", "examples"].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { encoding: "utf8", recursive: true })
    .filter((path) => path.endsWith(".mjs"))
    .map((path) => `${folder}/${path}`),
);

interface BuiltImport {
  readonly program: string;
  readonly source: string;
  readonly names: readonly string[];
}

const imports = programs.flatMap((program): BuiltImport[] => {
  const text = readFileSync(`${root}${program}`, "utf8");
  const found = text.matchAll(/import \{([^}]*)\} from "(?:\.\.\/)+dist\/([^"]+)\.js"/g);
  return [...found].map(([, names = "", source = ""]) => ({
    program,
    source,
    names: names.split(",").flatMap((each) => each.trim().split(" as ")[0] || []),
  }));
});

test("there are such programs", () => {
  expect(imports.length).toBeGreaterThan(5);
});

test.each(imports)("$program finds $names in $source", async ({ source, names }) => {
  const module: object = await import(`${root}${source}.ts`);
  expect(Object.keys(module)).toEqual(expect.arrayContaining([...names]));
});
