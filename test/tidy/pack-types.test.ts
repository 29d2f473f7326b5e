import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf } from "./blocks.js";

/**
 * What a stranger's compiler says: the tarball in blank projects, as strict as can be, with declarations checked to the end,
 * beside schemas of zod 4.0, of the newest zod, of valibot and of arktype. It is packed from `dist` as it stands.
 */
const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const fixtures = fileURLToPath(new URL("fixtures/packed/", import.meta.url));

/** An install answers within this, from a registry, on a slow day. */
const installMs = 240_000;
/** Of everything that the declarations name, on a busy machine. */
const compileMs = 240_000;

/** The lowest version of the compiler that README.md and the guides allow. */
const lowestCompiler = "5.7.3";

const libraries = [
  "valibot@1.5.0",
  "@valibot/to-json-schema@1.8.0",
  "arktype@2.2.10",
  "@connectrpc/connect-web@2.1.2",
  "@types/node@20.19.43",
  `typescript@${lowestCompiler}`,
];

/** As much of vitest as the guides use: its own declarations, and those of what it depends on, are not ours to check. */
const testRunner = `declare module "vitest" {
  export const test: (name: string, run: () => Promise<void>) => void;
  export const expect: (value: unknown) => { [matcher: string]: any; rejects: { [matcher: string]: any } };
}
`;

let folder = "";
let tarball = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskrun-types-"));
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [packed] = JSON.parse((await run("npm", pack, { cwd: root })).stdout);
  tarball = join(folder, packed.filename);
}, installMs);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A blank project with these packages and the tarball. */
async function project(name: string, packages: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await cp(fixtures, path, { recursive: true });
  await writeFile(join(path, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  const install = ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", [...install, tarball, ...packages], { cwd: path });
  return path;
}

/** What a compiler says of the files, and of every declaration that they lead to. */
function complaints(
  path: string,
  files: readonly string[],
  options: ts.CompilerOptions = {},
  compiler = ts,
): string[] {
  const program = compiler.createProgram(
    files.map((file) => join(path, file)),
    {
      strict: true,
      skipLibCheck: false,
      target: compiler.ScriptTarget.ES2023,
      module: compiler.ModuleKind.NodeNext,
      moduleResolution: compiler.ModuleResolutionKind.NodeNext,
      types: ["node"],
      typeRoots: [join(path, "node_modules/@types")],
      outDir: join(path, "out"),
      ...options,
    },
  );
  program.emit();
  return compiler.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.replace(path, "") ?? ""}:${line} ${compiler.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

/** Writes the programs of README.md and docs/ into a project; returns their names, and that of what they need. */
async function writeGuides(path: string): Promise<string[]> {
  const guides = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
  const pages = ["README.md", ...guides.map((name) => join("docs", name))];
  const texts = await Promise.all(pages.map((page) => readFile(join(root, page), "utf8")));
  const blocks = pages.flatMap((page, i) => blocksOf(page, texts[i] ?? ""));
  const files = blocks.map((_, i) => `example-${i}.mts`);
  await Promise.all(blocks.map(({ text }, i) => writeFile(join(path, files[i] ?? ""), text)));
  await writeFile(join(path, "test-runner.d.ts"), testRunner);
  return ["test-runner.d.ts", ...files];
}

describe.each(["4.0.17", "4.6.7"])("beside zod %s", (version) => {
  let path = "";
  beforeAll(async () => {
    path = await project(`zod-${version}`, [`zod@${version}`, ...libraries]);
  }, installMs);

  test("agents and workflows with schemas of each library compile, and run", {
    timeout: compileMs,
  }, async () => {
    const { version: installed } = JSON.parse(
      await readFile(join(path, "node_modules/zod/package.json"), "utf8"),
    );
    expect(installed).toBe(version);

    expect(complaints(path, ["libraries.ts"])).toEqual([]);
    const { stdout } = await run(process.execPath, ["out/libraries.js"], { cwd: path });
    const text = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
    expect(JSON.parse(stdout)).toEqual({
      results: [{ words: 2 }, { words: 2 }, { words: 2 }],
      refused: ["text", "text", "text"],
      schemas: [text, text, text],
      resultSchemas: expect.arrayContaining([expect.objectContaining({ type: "object" })]),
    });
  });

  test("every program of README.md and docs/ compiles", { timeout: compileMs }, async () => {
    const files = await writeGuides(path);

    expect(files.length).toBeGreaterThan(10);
    expect(complaints(path, files, { noEmit: true })).toEqual([]);
  });

  test(`all of them compile with TypeScript ${lowestCompiler}, the lowest that is allowed`, {
    timeout: compileMs,
  }, async () => {
    const compiler = createRequire(join(path, "package.json"))("typescript") as typeof ts;
    expect(compiler.version).toBe(lowestCompiler);

    const files = ["libraries.ts", ...(await writeGuides(path))];
    expect(complaints(path, files, { noEmit: true }, compiler)).toEqual([]);
  });
});

test("a project in plain JavaScript runs agents without any schema", { timeout: installMs }, async () => {
  const path = await project("plain", []);
  const { stdout } = await run(process.execPath, ["plain.mjs"], { cwd: path });

  expect(JSON.parse(stdout)).toEqual({
    result: { given: [1] },
    problem: 'agent x has the key "inputs", which is not known: did you mean input?',
    source: expect.stringContaining('"from": "input"'),
  });
});
