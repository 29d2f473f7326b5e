import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/**
 * Every program in the README and the guides is checked by the compiler against the package's own entry points, as
 * strictly as our own code: what is shown to people must be what they can write.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block of code, kept at the line it has in its page, so that a complaint leads there. */
interface Block {
  readonly place: string;
  readonly text: string;
}

const fence = /^```(js|ts|mjs)\n([\s\S]*?)^```$/gm;

function blocksOf(page: string, markdown: string): Block[] {
  return [...markdown.matchAll(fence)].map(({ index, 2: text = "" }) => {
    const linesBefore = markdown.slice(0, index).split("\n").length;
    return { place: `${page}:${linesBefore}`, text: "\n".repeat(linesBefore) + text };
  });
}

/** What the compiler has against the blocks, as `page:line message`. */
function complaints(blocks: readonly Block[]): string[] {
  // They stand at the root only in the compiler's eyes: there `taskrun/…` means this package.
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

/** Our own, read by the compiler, but for names that a short example introduces and does not use. */
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

/** The first use of the compiler reads all of the package, which takes seconds on a busy machine. */
const compileMs = 120_000;

test("every program in README.md and docs/ fits the package", { timeout: compileMs }, () => {
  const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => join("docs", name))];
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
