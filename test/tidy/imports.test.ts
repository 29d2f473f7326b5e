import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { cruiseTree, isPlaced, rules } from "./cruise.js";
import { compositionRoots, generated, layers } from "./import-rules.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = ["src", "actors"].filter((folder) => existsSync(join(root, folder)));

const trees: string[] = [];

afterEach(async () => {
  for (const tree of trees.splice(0)) await rm(tree, { recursive: true });
});

/** A tree with these files, the import maps of the real one, and nothing else. */
async function plant(files: Readonly<Record<string, string>>): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), "taskrun-imports-"));
  trees.push(tree);
  const imports = { "#actors/*": { source: "./actors/*.ts" }, "#*": { source: "./src/*.ts" } };
  const manifest = JSON.stringify({ type: "module", imports, dependencies: { stranger: "1.0.0" } });
  const stranger = {
    "node_modules/stranger/package.json": `{ "name": "stranger", "main": "index.js" }`,
    "node_modules/stranger/index.js": "",
    "node_modules/helper/package.json": `{ "name": "helper", "main": "index.js" }`,
    "node_modules/helper/index.js": "",
  };
  for (const [path, text] of Object.entries({ "package.json": manifest, ...stranger, ...files })) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  return tree;
}

/** A module of the layer at `path`, which is a folder or a file. */
const moduleOf = (path: string) => (path.endsWith(".ts") ? path : `${path}/planted.ts`);
/** How one module names another through the import maps. */
function specifier(path: string): string {
  const underSrc = moduleOf(path).replace(/^src\//, "");
  return `#${underSrc.replace(/\.ts$/, "")}`;
}

test("every module imports only what its layer may", async () => {
  const { modules, violations } = await cruiseTree(root, folders);

  expect(violations).toEqual([]);
  // A cruise that finds nothing breaks no rule either: this many there are at the very least.
  expect(modules.length).toBeGreaterThan(60);
});

test("every module has its place in the table of layers", async () => {
  const { modules } = await cruiseTree(root, folders);

  expect(modules.filter((module) => !isPlaced(module))).toEqual([]);
});

/** For each rule, by name, a tree that breaks it. */
const breaches = new Map<string, Record<string, string>>();
for (const { path, layers: allowed, types = [], node, neverReaches = [] } of layers) {
  const forbidden = "src/cli";
  breaches.set(`${path}: layers`, {
    [moduleOf(path)]: `import { x } from "${specifier(forbidden)}"; console.log(x);`,
    [moduleOf(forbidden)]: "export const x = 1;",
  });
  breaches.set(`${path}: packages`, { [moduleOf(path)]: `import "stranger";` });
  if (!node) breaches.set(`${path}: no node`, { [moduleOf(path)]: `import "node:fs";` });
  const [typed] = types;
  if (typed) {
    breaches.set(`${path}: types only`, {
      [moduleOf(path)]: `import { x } from "${specifier(typed)}"; console.log(x);`,
      [moduleOf(typed)]: "export const x = 1;",
    });
  }
  const [far] = neverReaches;
  const through = allowed[0];
  if (far && through) {
    breaches.set(`${path}: never reaches`, {
      [moduleOf(path)]: `import { x } from "${specifier(through)}"; console.log(x);`,
      [moduleOf(through)]: `import type { X } from "${specifier(far)}"; export const x: X = 1;`,
      [moduleOf(far)]: "export type X = number;",
    });
  }
}
breaches.set("no cycles", {
  "src/domain/a.ts": `import { b } from "./b.js"; export const a = () => b;`,
  "src/domain/b.ts": `import { a } from "./a.js"; export const b = () => a;`,
});
breaches.set("all resolves", { "src/domain/a.ts": `import "./nowhere.js";` });
breaches.set("no tests", { "src/cli/a.ts": `import "../../test/b.js";`, "test/b.ts": "export const b = 1;" });
breaches.set("no development packages", { "src/cli/a.ts": `import "helper";` });
breaches.set("generated code stays at the edge", {
  [moduleOf("src/cli")]: `import type { X } from "${specifier(generated.path)}"; export const x: X = 1;`,
  [moduleOf(generated.path)]: "export type X = number;",
});

test.each(rules.map(({ name }) => name ?? "unnamed"))("a breach of `%s` is found", async (name) => {
  const tree = await plant(breaches.get(name) ?? {});
  const planted = ["src", "actors"].filter((folder) => existsSync(join(tree, folder)));

  const { violations } = await cruiseTree(tree, planted);

  expect(violations.filter((violation) => violation.startsWith(`${name}: `))).not.toEqual([]);
});

test("a composition root may import every layer", async () => {
  const files = Object.fromEntries(layers.map(({ path }) => [moduleOf(path), "export const x = 1;"]));
  const imports = layers.map(({ path }, i) => `import { x as x${i} } from "${specifier(path)}";`);
  const using = `console.log(${layers.map((_, i) => `x${i}`).join(", ")});`;
  const roots = compositionRoots.map((path) => [moduleOf(path), `${imports.join("\n")}\n${using}`]);
  const tree = await plant({ ...files, ...Object.fromEntries(roots) });

  expect((await cruiseTree(tree, ["src", "actors"])).violations).toEqual([]);
});
