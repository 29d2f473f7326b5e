import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { type Block, blocksOf } from "./blocks.js";

/**
 * Compiles every program in the README, in the guides and in the examples of doc comments against the package's own
 * entry points, as strictly as our own code, so that all of them can be copied and run.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The text of a source's doc comments as Markdown, each line where it stands in the source; code is left out. */
function commentsOf(source: string): string {
  const lines = source.split("\n").map((line) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? "");
  return lines.join("\n");
}

/** The compiler's diagnostics of the blocks, as `page:line message`. */
function complaints(blocks: readonly Block[]): string[] {
  // The compiler is told that they are files at the root, where `taskrun/…` resolves to this package.
  const virtual = new Map(blocks.map((block, i) => [join(root, `snippet-${i}.mts`), block]));
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const block = virtual.get(path);
    if (!block) return getSourceFile(path, target, ...rest);
    return ts.createSourceFile(path, block.text, target);
  };

  const program = ts.createProgram([...virtual.keys()], options, host);
  return [...virtual].flatMap(([path, { place }]) => {
    const source = program.getSourceFile(path);
    const page = place.replace(/:\d+$/, "");
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) => {
        const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
        return `${page}:${line} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
      },
    );
  });
}

/** Our own, except that an example may declare names that it does not use. */
function compilerOptions(): ts.CompilerOptions {
  const path = join(root, "tsconfig.json");
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    root,
    {},
    path,
  );
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

/** The compiler's first run reads the whole package: seconds on a busy machine. */
const compileMs = 120_000;

test("every program in README.md and docs/ fits the package", { timeout: compileMs }, () => {
  const guides = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const pages = ["README.md", ...guides.map((name) => join("docs", name))];
  const blocks = pages.flatMap((page) => blocksOf(page, readFileSync(join(root, page), "utf8")));

  expect(blocks.length).toBeGreaterThan(3);
  expect(complaints(blocks)).toEqual([]);
});

test("a program that does not fit is found, with its page and line", { timeout: compileMs }, () => {
  const page = [
    "Text.",
    "```js",
    'import { createClient } from "taskrun/client";',
    "for await (const event of createClient().tasks.watch(1)) console.log(event.content);",
    "```",
    "```js",
    'import { nothing } from "taskrun/client";',
    "```",
  ].join("\n");

  expect(complaints(blocksOf("page.md", page))).toEqual([
    expect.stringMatching(/^page\.md:4 .*'number' is not assignable to .*'string'/),
    expect.stringMatching(/^page\.md:4 Property 'content' does not exist/),
    expect.stringMatching(/^page\.md:7 .*no exported member 'nothing'/),
  ]);
});

/** Files whose exports are documented with an example each: the SDKs and the ports. */
const documented = [
  ...["client", "worker", "templates", "testing", "embedded"].map((sdk) => join("src", sdk, "index.ts")),
  ...["clock", "entropy", "schemas", "telemetry"].map((port) => join("src/ports", `${port}.ts`)),
];

/** An exported function, class or interface, and the file that declares it. */
interface Exported {
  readonly name: string;
  readonly path: string;
  readonly node: ts.Node;
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(root, path), "utf8"), ts.ScriptTarget.ES2023, true);
}

/** What a file exports itself, and by name from files beside it. */
function exportsOf(path: string): Exported[] {
  return parse(path).statements.flatMap((node): Exported[] => {
    if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      const { text } = node.moduleSpecifier;
      const from = text.startsWith("#")
        ? `src/${text.slice(1)}.ts`
        : join(dirname(path), text.replace(/\.js$/, ".ts"));
      const { exportClause } = node;
      if (!exportClause || !ts.isNamedExports(exportClause)) return exportsOf(from);
      const names = new Set(exportClause.elements.map(({ name }) => name.text));
      return exportsOf(from).filter(({ name }) => names.has(name));
    }
    const isDocumented =
      ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);
    const isExported =
      isDocumented && node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return isExported && node.name ? [{ name: node.name.text, path, node }] : [];
  });
}

test("every exported function, class and interface of the SDKs and ports has an example", () => {
  const exported = documented.flatMap(exportsOf);
  const examples = new Set<string>();
  for (const { name, path, node } of exported) {
    if (ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "example"))
      examples.add(`${path} ${name}`);
  }
  const all = [...new Set(exported.map(({ name, path }) => `${path} ${name}`))];

  expect(all.length).toBeGreaterThan(80);
  expect(all.filter((each) => !examples.has(each))).toEqual([]);
});

test("every example of a doc comment fits the package", { timeout: compileMs }, () => {
  const sources = ["src", "actors"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.includes("/gen/"))
      .map((path) => join(folder, path)),
  );
  const blocks = sources.flatMap((path) => {
    return blocksOf(path, commentsOf(readFileSync(join(root, path), "utf8")));
  });

  expect(blocks.length).toBeGreaterThan(50);
  expect(complaints(blocks)).toEqual([]);
});

test("an example of a doc comment that does not fit is found, with its file and line", {
  timeout: compileMs,
}, () => {
  const source = [
    "/**",
    " * Says hello.",
    " *",
    " * @example",
    " * ```ts",
    ' * import { createClient } from "taskrun/client";',
    " * await createClient().tasks.get(1);",
    " * ```",
    " */",
    "export const answer = 42;",
  ].join("\n");

  expect(complaints(blocksOf("file.ts", commentsOf(source)))).toEqual([
    expect.stringMatching(/^file\.ts:7 .*'number' is not assignable to .*'string'/),
  ]);
});
