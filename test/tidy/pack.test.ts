import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";

/**
 * What a stranger gets: the tarball, installed in a blank project. It is packed from `dist` as it stands, so
 * `npm test` builds first; packing runs no script, which would rebuild `dist` under the feet of other tests.
 */
const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** An install answers within this, from a registry, on a slow day. */
const installMs = 120_000;

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

let project = "";
let packed: readonly string[] = [];
let manifest: Manifest;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "taskrun-pack-"));
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", project];
  const [tarball] = JSON.parse((await run("npm", pack, { cwd: root })).stdout);
  packed = tarball.files.map(({ path }: { path: string }) => path);

  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "blank", private: true, type: "module" }),
  );
  const install = ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", [...install, `./${tarball.filename}`], { cwd: project });
  manifest = JSON.parse(await readFile(join(project, "node_modules/taskrun/package.json"), "utf8"));
}, installMs);

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

/** Every name a stranger may import, with patterns such as `./ports/*` spelt out by what the tarball holds. */
async function entryPoints(): Promise<string[]> {
  const names: string[] = [];
  for (const [key, target] of Object.entries(manifest.exports)) {
    if (typeof target === "string") continue;
    if (!key.includes("*")) {
      names.push(key.replace(/^\./, "taskrun"));
      continue;
    }
    const folder = join(project, "node_modules/taskrun", dirname(target.default));
    const modules = (await readdir(folder)).filter((name) => name.endsWith(".js"));
    names.push(
      ...modules.map((name) => key.replace(/^\./, "taskrun").replace("*", name.replace(/\.js$/, ""))),
    );
  }
  return names;
}

test("the tarball holds what a user needs, and nothing of the workshop", () => {
  const needed = ["LICENSE", "README.md", "CHANGELOG.md", "bin/taskrun.js", "dist/src/cli/main.js"];
  const guides = ["docs/operating.md", "docs/workers.md", "actors/README.md", "src/README.md"];

  expect([...needed, ...guides].filter((path) => !packed.includes(path))).toEqual([]);
  expect(
    packed.filter((path) =>
      /^(test|src|actors|examples|\.)(?!\/README\.md$|\/(inspect\/page|gateway\/openapi\/viewer)\/\w+\.(html|css|svg)$)|^dist\/(test|examples)\//.test(
        path,
      ),
    ),
  ).toEqual([]);
});

test("every entry point loads in a blank project", async () => {
  const names = await entryPoints();
  const program = names.map((name) => `await import(${JSON.stringify(name)});`).join("\n");
  await writeFile(join(project, "load.mjs"), `${program}\nprocess.stdout.write("loaded");\n`);

  expect(names).toEqual(
    expect.arrayContaining(["taskrun", "taskrun/client", "taskrun/worker", "taskrun/ports/store"]),
  );
  expect((await run(process.execPath, ["load.mjs"], { cwd: project })).stdout).toBe("loaded");
});

test("every entry point has types that a stranger's compiler can follow to the end", async () => {
  const names = await entryPoints();
  const consumer = join(project, "consumer.ts");
  const lines = names.map((name, i) => `import * as entry${i} from ${JSON.stringify(name)};`);
  const list = names.map((_, i) => `entry${i}`).join(", ");
  await writeFile(consumer, `${lines.join("\n")}\nexport const entries: readonly object[] = [${list}];\n`);

  const program = ts.createProgram([consumer], {
    noEmit: true,
    strict: true,
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  });
  // Declarations are checked too (`skipLibCheck` is off), but only ours: other packages answer for their own.
  const ours = ts.getPreEmitDiagnostics(program).filter(({ file }) => {
    return !file || file.fileName === consumer || file.fileName.includes("/node_modules/taskrun/");
  });

  const followed = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.includes("/node_modules/taskrun/"));
  expect(
    ours.map(
      ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    ),
  ).toEqual([]);
  expect(followed.length).toBeGreaterThan(names.length);
});

test("the installed command says its version", async () => {
  const command = join(project, "node_modules/.bin/taskrun");

  expect(existsSync(command)).toBe(true);
  expect((await run(command, ["--version"])).stdout.trim()).toContain(manifest.version);
});
