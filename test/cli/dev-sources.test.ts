import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ExportError, importAll } from "#cli/dev/exports";
import { isModule, modulesOf, nodeArguments, readSource } from "#cli/dev/sources";

const folder = mkdtempSync(join(tmpdir(), "taskrun-dev-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text = ""): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const agentText = (name: string) => `{ name: ${JSON.stringify(name)}, perform: async () => 1 }`;

test("of a folder its modules are imported, and nothing else of it", () => {
  for (const name of [
    "b.mjs",
    "a.js",
    "c.d.ts",
    "a.test.js",
    "x.spec.mts",
    ".h.js",
    "vitest.config.mjs",
    "t.yaml",
  ]) {
    write(`some/${name}`);
  }
  write("some/deeper/d.mjs");
  const source = readSource("some", folder);
  expect(modulesOf(source)).toEqual([join(folder, "some/a.js"), join(folder, "some/b.mjs")]);
  expect(["e.ts", "e.cts", "e.d.mts", "e.tsx", "js"].map(isModule)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test.each([
  ["nowhere.mjs", /no such file or folder/],
  ["some/t.yaml", /no module: give a \.ts/],
])("%s is refused", (given, problem) => {
  expect(() => readSource(given, folder)).toThrow(problem);
});

test("TypeScript needs a Node that reads it, or the tsx of its own folder", () => {
  const path = write("typed/a.ts");
  expect(() => nodeArguments([path], {})).toThrow(
    /is TypeScript, which Node v\S+ does not read, and there is no tsx/,
  );
  expect(nodeArguments([path], { typescript: "strip" })).not.toContain("--import");
  expect(nodeArguments([write("typed/a.mjs")], {})).not.toContain("--import");

  write("typed/node_modules/tsx/package.json", '{"name":"tsx","exports":{".":"./loader.mjs"}}');
  const loader = write("typed/node_modules/tsx/loader.mjs");
  expect(nodeArguments([path], {}).slice(-2)).toEqual(["--import", `file://${loader}`]);
});

test("agents and workflows are found alone, in lists, and exported twice; other exports are left alone", async () => {
  const flow = '{ namespace: "n", name: "f", version: "1.0.0", source: "s", digest: "d", body: {} }';
  const first = write(
    "ok/a.mjs",
    `export const a = ${agentText("a")}; export { a as again }; export default [${agentText("b")}, 5, null];
     export const f = ${flow}; export const no = { name: "x" }; export function perform() {}`,
  );
  const second = write("ok/b.mjs", 'export * from "./a.mjs";');
  const { agents, workflows } = await importAll([first, second]);
  expect(agents.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(workflows).toEqual([{ namespace: "n", name: "f", version: "1.0.0", source: "s" }]);
});

test("a default that is an object of agents counts as they do, above all that of CommonJS", async () => {
  const common = write(
    "whole/a.cjs",
    `module.exports = { a: ${agentText("a")}, more: [${agentText("b")}] };`,
  );
  const module = write("whole/b.mjs", `export default { c: ${agentText("c")}, none: null };`);

  const { agents } = await importAll([common, module]);
  expect(agents.map(({ name }) => name).sort()).toEqual(["a", "b", "c"]);
});

test.each([
  ["none.mjs", "export const x = 1;", /^no agent and no workflow is exported/],
  [
    "twice.mjs",
    `export const a = ${agentText("a")}; export const b = ${agentText("a")};`,
    /two agents called a/,
  ],
])("%s is refused by name", async (name, text, problem) => {
  const refused = importAll([write(name, text)]);
  await expect(refused).rejects.toThrow(problem);
  await expect(refused).rejects.toBeInstanceOf(ExportError);
});
