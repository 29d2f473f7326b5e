import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";

/** What `dev` was given: a file or a folder. */
export interface Source {
  readonly path: string;
  readonly isFolder: boolean;
}

const typescript = new Set([".ts", ".mts", ".cts"]);
const extensions = new Set([...typescript, ".js", ".mjs", ".cjs"]);

/** True for a file of a folder that is imported: a module, and no test, declaration, or hidden file. */
export function isModule(name: string): boolean {
  return (
    extensions.has(extname(name)) &&
    !/^\.|\.d\.[cm]?ts$|\.(test|spec)\.[cm]?[jt]s$|\.config\.[cm]?[jt]s$/.test(name)
  );
}

/** @throws {CliError} `usage` if it is neither a module nor a folder */
export function readSource(given: string, cwd: string): Source {
  const path = resolve(cwd, given);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new CliError(exit.usage, `${given}: there is no such file or folder`);
  if (stat.isDirectory()) return { path, isFolder: true };
  if (extensions.has(extname(path))) return { path, isFolder: false };
  throw new CliError(
    exit.usage,
    `${given} is no module: give a ${[...extensions].join(", ")} file, or a folder of them`,
  );
}

/** The modules of a source, in the order of their names: of a folder those directly in it. */
export function modulesOf({ path, isFolder }: Source): string[] {
  if (!isFolder) return [path];
  const files = readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const names = files
    .map(({ name }) => name)
    .filter(isModule)
    .sort();
  if (names.length > limits.devFiles) {
    throw new CliError(
      exit.usage,
      `${path} has ${names.length} modules; dev imports ${limits.devFiles} at most`,
    );
  }
  return names.map((name) => join(path, name));
}

/**
 * The arguments of Node with which it can import the modules.
 *
 * @throws {CliError} `usage` if it cannot, and there is nothing that helps it
 */
export function nodeArguments(modules: readonly string[], features: object = process.features): string[] {
  const inherited = process.execArgv.filter((arg) => !/^--(inspect|watch)/.test(arg));
  const first = modules.find((path) => typescript.has(extname(path)));
  if (first === undefined || ("typescript" in features && features.typescript)) return inherited;
  try {
    const loader = createRequire(join(dirname(first), "_.js")).resolve("tsx");
    return [...inherited, "--import", pathToFileURL(loader).href];
  } catch (cause) {
    const message = `${first} is TypeScript, which Node ${process.version} does not read, and there is no tsx beside it`;
    const ways = [
      "Install it there: npm install --save-dev tsx",
      "Or use Node 22.18 or later, which reads TypeScript.",
    ];
    throw new CliError(exit.usage, message, ways, cause);
  }
}
