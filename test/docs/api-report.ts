import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/*
 * What each entry point of the package exports, with every type of ours that this names, as declarations without their
 * comments. The pages in `docs/api` are this text: a change of a public type shows as a change of a page.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The report of one entry point. */
export interface ApiReport {
  /** The specifier, for example `taskrun/client`. */
  readonly entry: string;
  /** The packages whose types are named. */
  readonly packages: readonly string[];
  /** Markdown. */
  readonly page: string;
}

/** The entry points of package.json, with their source files; patterns are spelt out. */
function entryPoints(): [entry: string, file: string][] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([key, target]): [string, string][] => {
    if (typeof target === "string") return [];
    const file = target.types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts");
    const entry = key.replace(/^\./, "taskrun");
    if (!key.includes("*")) return [[entry, file]];
    const names = readdirSync(join(root, file.replace(/\/\*\.ts$/, ""))).filter((name) =>
      name.endsWith(".ts"),
    );
    return names.map((name) => [entry.replace("*", name.replace(/\.ts$/, "")), file.replace("*.ts", name)]);
  });
}

export function apiReports(): ApiReport[] {
  const entries = entryPoints();
  const program = ts.createProgram(
    entries.map(([, file]) => join(root, file)),
    compilerOptions(),
  );
  const declarations = new Declarations(program);
  return entries.map(([entry, file]) => reportOf(entry, file, program, declarations));
}

function compilerOptions(): ts.CompilerOptions {
  const path = join(root, "tsconfig.build.json");
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    root,
    {},
    path,
  );
  return { ...options, sourceMap: false, inlineSources: false, declaration: true };
}

/** A top-level declaration of one of our declaration files. */
interface Declared {
  readonly file: string;
  readonly name: string;
}

/** The declaration files that the compiler makes of our sources, each when it is first asked for. */
class Declarations {
  readonly #program: ts.Program;
  /** By the path of the source without its ending. */
  readonly #files = new Map<string, ts.SourceFile | undefined>();
  readonly #printer = ts.createPrinter({ removeComments: true });

  constructor(program: ts.Program) {
    this.#program = program;
  }

  #file(file: string): ts.SourceFile | undefined {
    if (!this.#files.has(file)) this.#files.set(file, this.#emit(file));
    return this.#files.get(file);
  }

  #emit(file: string): ts.SourceFile | undefined {
    const source = this.#program.getSourceFile(join(root, `${file}.ts`));
    let made: ts.SourceFile | undefined;
    const keep = (path: string, text: string): void => {
      made = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
    };
    if (source) this.#program.emit(source, keep, undefined, true);
    return made;
  }

  /** The statements that declare a name, with their overloads. */
  statementsOf({ file, name }: Declared): ts.Statement[] {
    const statements = this.#file(file)?.statements ?? [];
    return statements.filter((statement) => namesOf(statement).includes(name));
  }

  /**
   * A statement without its comments. Members of unions are sorted: where the compiler has inferred one, their order depends
   * on what it has looked at before.
   */
  text(statement: ts.Statement): string {
    const source = statement.getSourceFile();
    const print = (node: ts.Node) => this.#printer.printNode(ts.EmitHint.Unspecified, node, source);
    const { transformed } = ts.transform<ts.Node>(statement, [
      (context) => (whole) => {
        const visit = (node: ts.Node): ts.Node => {
          const seen = ts.visitEachChild(node, visit, context);
          if (!ts.isUnionTypeNode(seen)) return seen;
          const types = seen.types.map((type) => ({ type, text: print(type) }));
          types.sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text)));
          return ts.factory.updateUnionTypeNode(
            seen,
            ts.factory.createNodeArray(types.map(({ type }) => type)),
          );
        };
        return visit(whole);
      },
    ]);
    return print(transformed[0] ?? statement);
  }

  /** Where an identifier of a file is declared: in it, in another of ours, or in a package. */
  resolve(file: string, name: string): Declared | string | undefined {
    const source = this.#file(file);
    if (source?.statements.some((statement) => namesOf(statement).includes(name))) return { file, name };
    for (const statement of source?.statements ?? []) {
      if (!ts.isImportDeclaration(statement)) continue;
      const { importClause: clause, moduleSpecifier } = statement;
      const from = (moduleSpecifier as ts.StringLiteral).text;
      if (clause?.name?.text === name) return from;
      const bindings = clause?.namedBindings;
      if (!bindings) continue;
      if (ts.isNamespaceImport(bindings)) {
        if (bindings.name.text === name) return from;
        continue;
      }
      const found = bindings.elements.find((element) => element.name.text === name);
      if (found) return this.locate(file, from, (found.propertyName ?? found.name).text);
    }
    return undefined;
  }

  /** A name of a module that a file names; the package, if it is not ours. */
  locate(file: string, from: string, name: string): Declared | string {
    const path = from.startsWith("#actors/")
      ? from.slice(1)
      : from.startsWith("#")
        ? `src/${from.slice(1)}`
        : from.startsWith(".")
          ? join(file, "..", from.replace(/\.js$/, ""))
          : undefined;
    if (path === undefined) return from;
    return this.#reexported(path, name) ?? { file: path, name };
  }

  /** Follows `export { a } from` within our files. */
  #reexported(file: string, name: string): Declared | string | undefined {
    for (const statement of this.#file(file)?.statements ?? []) {
      if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) continue;
      const { exportClause } = statement;
      if (!exportClause || !ts.isNamedExports(exportClause)) continue;
      const found = exportClause.elements.find((element) => element.name.text === name);
      const from = (statement.moduleSpecifier as ts.StringLiteral).text;
      if (found) return this.locate(file, from, (found.propertyName ?? found.name).text);
    }
    return undefined;
  }
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Node };
  return name && ts.isIdentifier(name) ? [name.text] : [];
}

function reportOf(entry: string, file: string, program: ts.Program, declarations: Declarations): ApiReport {
  const exported = exportsOf(file, program);
  const packages = new Set<string>();
  const named = closure([...exported.values()], declarations, packages);
  const isExported = new Set([...exported.values()].map(keyOf));
  const text = (all: readonly Declared[]) =>
    all.flatMap((declared) => declarations.statementsOf(declared).map((each) => declarations.text(each)));
  const own = text([...exported].sort(byName).map(([, declared]) => declared));
  const others = text(named.filter((declared) => !isExported.has(keyOf(declared))));
  const list = [...packages].sort();
  const page = [
    `# ${entry}`,
    "",
    "Written by `npm run docs`: what this entry point exports, as the compiler declares it.",
    ...(list.length > 0 ? ["", `Types of packages: ${list.map((name) => `\`${name}\``).join(", ")}.`] : []),
    "",
    "```ts",
    own.join("\n\n"),
    "```",
    ...(others.length > 0
      ? ["", "Named above, and not exported here:", "", "```ts", others.join("\n\n"), "```"]
      : []),
    "",
  ].join("\n");
  return { entry, packages: list, page };
}

function exportsOf(file: string, program: ts.Program): Map<string, Declared> {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, file));
  const symbol = source && checker.getSymbolAtLocation(source);
  if (!symbol) throw new Error(`${file} is no module`);
  const exported = new Map<string, Declared>();
  for (const each of checker.getExportsOfModule(symbol)) {
    const target = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
    const [declaration] = target.declarations ?? [];
    if (!declaration) throw new Error(`${file} exports ${each.name}, which is declared nowhere`);
    const path = relative(root, declaration.getSourceFile().fileName).replace(/\.ts$/, "");
    exported.set(each.name, { file: path, name: target.name });
  }
  return exported;
}

/** All that the declarations name, at any distance, ordered by file and name. */
function closure(first: readonly Declared[], declarations: Declarations, packages: Set<string>): Declared[] {
  const found = new Map(first.map((declared) => [keyOf(declared), declared]));
  const open = [...first];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of namedBy(next, declarations)) {
      if (typeof target === "string") packages.add(target);
      else if (!found.has(keyOf(target))) {
        found.set(keyOf(target), target);
        open.push(target);
      }
    }
  }
  return [...found.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function namedBy(declared: Declared, declarations: Declarations): (Declared | string)[] {
  const targets: (Declared | string)[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && node.qualifier) {
      const from = (node.argument.literal as ts.StringLiteral).text;
      const [name = ""] = node.qualifier.getText().split(".");
      targets.push(declarations.locate(declared.file, from, name));
    } else if (ts.isIdentifier(node)) {
      const target = declarations.resolve(declared.file, node.text);
      if (target !== undefined) targets.push(target);
    }
    ts.forEachChild(node, visit);
  };
  for (const statement of declarations.statementsOf(declared)) visit(statement);
  return targets;
}

const keyOf = ({ file, name }: Declared): string => `${file} ${name}`;

function byName([a]: readonly [string, Declared], [b]: readonly [string, Declared]): number {
  return a < b ? -1 : Number(a > b);
}
