/**
 * `@taskrun/sdk` as its users get it: packed, and installed in a blank project beside the packages it depends on. Nothing is
 * read from a registry: these packages are taken from our own `node_modules`, as the lock has them.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Proc, root, Stage } from "../e2e/kit/harness.js";
import { loadedBy } from "../e2e/kit/loads.js";

const run = promisify(execFile);
const stage = new Stage();
afterAll(() => stage.end());

/** Of everything that the declarations name, on a busy machine. */
const compileMs = 240_000;
/** What the files of an installed SDK have at most, with its dependencies, in bytes. */
const SIZE_MAX = 18_000_000;

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

const project = join(stage.dir, "blank");
const installed = join(project, "node_modules/@taskrun/sdk");
let manifest: Manifest;

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [join(root, "sdk/pack.mjs"), stage.dir]);
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", stdout.trim(), "--strip-components=1", "-C", installed]);
  manifest = readManifest(installed);
  installAll(Object.keys(manifest.dependencies));
  writeFileSync(join(project, "package.json"), '{ "name": "blank", "private": true, "type": "module" }');
}, 120_000);

/** Copies packages, with all that they depend on, at the versions of the lock. */
function installAll(names: readonly string[]): void {
  const all = new Set(names);
  for (const name of all) {
    const from = join(root, "node_modules", name);
    cpSync(from, join(project, "node_modules", name), { recursive: true });
    const { dependencies = {} } = readManifest(from) as Partial<Manifest>;
    for (const each of Object.keys(dependencies)) all.add(each);
  }
}

/** What the compiler says of the file, and of every declaration that it leads to, at its strictest. */
function compiled(file: string): string[] {
  const program = ts.createProgram([join(project, file)], {
    strict: true,
    skipLibCheck: false,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    rootDir: project,
    outDir: join(project, "out"),
  });
  program.emit();
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.replace(project, "")}:${line} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

async function resultOf(file: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  cpSync(join(root, "test/tidy/fixtures/sdk", file), join(project, file));
  expect(compiled(file)).toEqual([]);
  const program = join(project, "out", file.replace(".ts", ".js"));
  const proc = new Proc([program], project, env);
  expect([await proc.ended, proc.stderr]).toEqual([0, ""]);
  return JSON.parse(proc.stdout);
}

test("it depends on what it loads, at the versions of package.json, and on nothing of the server", () => {
  const whole = readManifest(root);
  const names = [
    "@bufbuild/protobuf",
    "@connectrpc/connect",
    "@connectrpc/connect-node",
    "@opentelemetry/api",
    "@peculiar/x509",
    "reflect-metadata",
    "yaml",
    "zod",
  ];

  expect(manifest.dependencies).toEqual(
    Object.fromEntries(names.map((name) => [name, whole.dependencies[name]])),
  );
  expect(manifest.version).toBe(whole.version);
  const files = readdirSync(join(installed, "dist/src"));
  expect(files.filter((name) => /^(api|bus|cli|embedded|gateway|host|runtime|stores)$/.test(name))).toEqual(
    [],
  );
  expect(readdirSync(installed).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
});

test("installed with all its dependencies it is smaller than 18 MB", () => {
  let bytes = 0;
  for (const entry of readdirSync(project, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  expect(bytes).toBeGreaterThan(5_000_000);
  expect(bytes).toBeLessThan(SIZE_MAX);
});

test.each([
  ["@taskrun/sdk", ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "zod"]],
  ["@taskrun/sdk/client", ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"]],
  ["@taskrun/sdk/worker", ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node", "zod"]],
  ["@taskrun/sdk/templates", ["yaml", "zod"]],
])("%s loads %j and its own modules", async (name, packages) => {
  const paths = await loadedBy(name, project);
  const loaded = paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);

  expect([...new Set(loaded)].sort()).toEqual(["@taskrun/sdk", ...packages].sort());
});

test("a typed service of it compiles, and works with a real server", { timeout: compileMs }, async () => {
  const server = await stage.server();
  const told = await resultOf("service.ts", { TASKRUN_ADDR: server.addr });

  expect(told).toEqual({
    words: ["2", "3"],
    wrong: "INPUT_SCHEMA",
    failed: ["it is never done", 1],
    output: '{"a":1}\n',
    version: manifest.version,
    names: ["count", "refuse", "program"],
  });
});

test("agents, workflows and errors of it and of taskrun work with one another in one program", {
  timeout: compileMs,
}, async () => {
  symlinkSync(root, join(project, "node_modules/taskrun"));
  const story = {
    words: "2",
    failed: "it is never done, 1 run",
    from: "7",
    program: "12345678901234567890",
  };

  expect(await resultOf("both.ts")).toEqual({
    stories: [story, story],
    errors: [true, true],
    counted: ["3", "3"],
    alone: "2",
    cursor: 7,
    listed: 2,
  });
});
