import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import ts from "typescript";
import { expect, test } from "vitest";
import { CreateTaskRequestSchema, ErrorInfoSchema, RunService, TaskService } from "#wire/proto";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** All that a module loads, by file, and the specifiers that lead out of files. Types load nothing. */
function loadedBy(entry: string): { files: Set<string>; bare: Set<string> } {
  const files = new Set<string>();
  const bare = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const specifier of specifiersOf(file)) {
      const path = specifier.startsWith(".") ? fileOf(join(dirname(file), specifier)) : packaged(specifier);
      if (path === undefined) bare.add(specifier);
      else open.push(path);
    }
  }
  return { files, bare };
}

function specifiersOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2023);
  return source.statements.flatMap((each) => {
    if (ts.isImportDeclaration(each) && each.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
      return [];
    const from =
      ts.isImportDeclaration(each) || ts.isExportDeclaration(each) ? each.moduleSpecifier : undefined;
    return from && ts.isStringLiteral(from) ? [from.text] : [];
  });
}

const fileOf = (path: string) => (existsSync(path) ? path : path.replace(/\.js$/, ".ts"));

/** Where the import map of a page says that a package is. */
function packaged(specifier: string): string | undefined {
  return specifier === "taskrun/proto" ? undefined : imports[specifier]?.replace("/packages/", packages);
}

const packages = join(root, "node_modules/");
const page = readFileSync(join(root, "examples/browser/index.html"), "utf8");
const [, map = ""] = /<script type="importmap">(.*?)<\/script>/s.exec(page) ?? [];
const { imports } = JSON.parse(map) as { imports: Record<string, string> };

test("taskrun/proto loads nothing that a browser lacks", () => {
  const { files, bare } = loadedBy(join(root, "src/wire/proto.ts"));
  const ours = [...files].filter((file) => !file.includes("node_modules"));

  expect(bare).toEqual(new Set());
  expect(ours.filter((file) => !/src\/wire\/(proto|gen\/.*_pb)\.ts$/.test(file))).toEqual([]);
  expect([...files].filter((file) => /node_modules/.test(file) && !/@bufbuild\/protobuf/.test(file))).toEqual(
    [],
  );
  expect(files.size).toBeGreaterThan(50);
});

test("the import map of the example names all that connect-web loads, and nothing else", () => {
  const entries = ["@connectrpc/connect-web", "@connectrpc/connect", "@bufbuild/protobuf"];
  const { files, bare } = loadedBy(join(root, "examples/browser/connect.mjs"));

  expect(bare).toEqual(new Set(["taskrun/proto"]));
  for (const entry of entries) expect(files).toContain(packaged(entry));
  const ours = loadedBy(join(root, "src/wire/proto.ts"));
  const needed = Object.keys(imports).filter((name) => {
    const path = packaged(name) ?? "";
    return files.has(path) || ours.files.has(path);
  });
  expect([...needed, "taskrun/proto"].sort()).toEqual(Object.keys(imports).sort());
  expect(imports["taskrun/proto"]).toBe("/packages/taskrun/dist/src/wire/proto.js");
});

test("it has the messages and services of the wire", () => {
  const request = create(CreateTaskRequestSchema, { agentName: "a", inputJson: "{}" });

  expect(fromJsonString(CreateTaskRequestSchema, toJsonString(CreateTaskRequestSchema, request))).toEqual(
    request,
  );
  expect(TaskService.method.watchTask.methodKind).toBe("server_streaming");
  expect(RunService.typeName).toBe("taskrun.v1.RunService");
  expect(ErrorInfoSchema.typeName).toBe("google.rpc.ErrorInfo");
});
