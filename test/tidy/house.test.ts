import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/**
 * House rules that no other tool holds. Formatting, lengths, globals and the like are biome's (`biome.json`),
 * imports between layers are `import-rules.ts`, unused code is knip's.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const skipped = /(^|\/)(gen|fixtures)\//;

/** Paths from the root, of every file in `folders`, as far as they exist, whose name ends in one of `endings`. */
function files(folders: readonly string[], endings: readonly string[]): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) =>
        join(folder, path),
      ),
    )
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && !skipped.test(path));
}

const text = (path: string) => readFileSync(join(root, path), "utf8");

/** One line per match of `pattern` in a file of `paths`, as `path:line match`. */
function matches(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    text(path)
      .split("\n")
      .flatMap((line, i) => [...line.matchAll(pattern)].map(([found]) => `${path}:${i + 1} ${found}`)),
  );
}

const own = files(["src", "actors"], [".ts"]);
const tests = files(["test"], [".ts"]);
const self = "test/tidy/house.test.ts";

test("no file puts work off in a comment, and none silences the compiler", () => {
  const code = [...own, ...tests, ...files(["bin", "examples"], [".ts", ".js", ".mjs"])];
  const promises = /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|nocheck|expect-error)/g;
  // Tests of types say what must not compile.
  const isExpected = (line: string) => /-types\.test\.ts:\d+ @ts-expect-error$/.test(line);

  expect(
    matches(
      code.filter((path) => path !== self),
      promises,
    ).filter((line) => !isExpected(line)),
  ).toEqual([]);
});

/** Words that identifiers may not have, and what stands in their place: see `src/GLOSSARY.md`. */
const replaced: Readonly<Record<string, string>> = {
  job: "Task, Step or Run",
  jobs: "Tasks, Steps or Runs",
  bot: "agent",
  bots: "agents",
  executor: "Worker",
  executors: "Workers",
  gardener: "graph expander",
  sprout: "new step",
  sprouts: "new steps",
  scion: "expansion",
  graft: "apply expansion",
  heed: "handle report",
  greet: "open session",
  scene: "turn context",
  remembering: "caching",
  hot: "cached",
  inert: "sanitize",
  door: "gateway, listener or mount",
  doors: "gateway, listeners or mounts",
  settled: "ended, completed, failed or resolved",
  holder: "owner, or the Worker that holds a Run",
  holders: "owners, or the Workers that hold Runs",
  holding: "use, or buffered bytes",
  undoes: "compensates",
  undone: "compensated, or rolled back",
  undoing: "compensation",
  unfold: "expand",
};
/** XState's own name, a label of metrics, deprecated aliases, and a former name in stored rows. */
const notOurs = new Set(["actionExecutor", "door", "Doors", "DoorSettings", "openDoors", "undoes"]);

test("identifiers use the words of the glossary", () => {
  const found: string[] = [];
  for (const path of own) {
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && !notOurs.has(node.text)) {
        const words = node.text.split(/(?=[A-Z])|_/).map((word) => word.toLowerCase());
        for (const word of words) {
          if (Object.hasOwn(replaced, word)) found.push(`${path}: ${node.text}: say ${replaced[word]}`);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(path, text(path), ts.ScriptTarget.ES2023));
  }

  expect(found).toEqual([]);
});

test("the glossary says every word once, in a line", () => {
  const rows = [...text("src/GLOSSARY.md").matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)];
  const terms = rows.map(([, term]) => term).filter((term) => term !== "term" && !/^-+$/.test(term ?? ""));
  expect(terms.length).toBeGreaterThan(40);
  expect(new Set(terms).size).toBe(terms.length);
  expect(text("src/README.md")).toContain("GLOSSARY.md");
});

test("every source file longer than a glance explains itself in a doc comment", () => {
  const glance = 25;
  const silent = own.filter((path) => text(path).split("\n").length > glance && !/^\/\*\*/m.test(text(path)));

  expect(silent).toEqual([]);
});

test("a relative import stays in its folder; the way to another is an import map", () => {
  const layerOf = (path: string) => (path.startsWith("actors/") ? "actors" : path.split("/", 2).join("/"));
  const strays = own.flatMap((path) => {
    const specifiers = [...text(path).matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(
      ([, specifier]) => specifier,
    );
    const leaving = specifiers.filter((specifier) => {
      const target = join(dirname(path), specifier ?? "");
      // Files beside one another directly in `src` are composition roots, and each a layer of its own.
      return layerOf(target) !== layerOf(path) && dirname(path) !== dirname(target);
    });
    return leaving.map((specifier) => `${path} imports ${specifier}`);
  });

  expect(strays).toEqual([]);
});

test("tests reach the sources through the import maps, never by path", () => {
  const strays = tests.flatMap((path) =>
    [...text(path).matchAll(/from "(\.[^"]+)"/g)]
      .map(([, specifier]) => join(dirname(path), specifier ?? ""))
      .filter((target) => /^(src|actors)\//.test(target))
      .map((target) => `${path} imports ${target}`),
  );

  expect(strays).toEqual([]);
});

test("the core's tests never wait: they mirror layers that have no clock", () => {
  const timeless = files(["test/actors", "test/domain", "test/bus", "test/runtime"], [".ts"]);

  expect(matches(timeless, /\bset(Timeout|Interval|Immediate)\b|node:timers/g)).toEqual([]);
});

test("an attack is a small file that says what it does, in the folder of the point of the wire it is about", () => {
  const attacks = files(["test/hostile/attacks"], [".ts"]);
  const wrong = attacks.filter((path) => {
    const source = text(path);
    const exported = source.match(/^export .*/gm) ?? [];
    const named = /\/p[1-6]\/[a-z0-9-]+\.ts$/.test(path);
    const functions = exported.every((line) => /^export async function \w+\(target: Target\)/.test(line));
    return !named || !functions || exported.length === 0 || !/^\/\*\*/m.test(source);
  });

  expect(attacks.length).toBeGreaterThan(40);
  expect(wrong).toEqual([]);
});

test("attacks reach the server over the wire alone", () => {
  const attacks = files(["test/hostile/attacks"], [".ts"]);

  expect(
    matches(attacks, /from "#(actors|bus|runtime|stores|gateway|host|cli|control-plane)[^"]*"/g),
  ).toEqual([]);
});

test("every dependency is pinned to one exact version", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json"));
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-beta\.\d+)?$/.test(String(version)),
  );

  expect(loose).toEqual([]);
});

test("a machine that touches a clock, the environment or Node does not compile", () => {
  const config = join(root, "actors/tsconfig.json");
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    dirname(config),
  );
  const planted = join(root, "actors/planted.ts");
  const breaches = [
    "setTimeout(() => {}, 1);",
    "process.exit();",
    "performance.now();",
    'await import("node:fs");',
  ];
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === planted || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === planted
      ? ts.createSourceFile(path, ["export {};", ...breaches].join("\n"), ts.ScriptTarget.ES2023)
      : getSourceFile(path, ...rest);

  const found = ts.getPreEmitDiagnostics(ts.createProgram([planted], options, host));

  expect(found.map(({ file, start }) => file?.getLineAndCharacterOfPosition(start ?? 0).line)).toEqual([
    1, 2, 3, 4,
  ]);
});
