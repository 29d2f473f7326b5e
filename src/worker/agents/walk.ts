import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path/posix";
import { limits } from "#limits/index";

/** Folders of dependencies and generated files. */
const ignored = new Set([
  "node_modules",
  ".git",
  "dist",
  "build",
  "coverage",
  "target",
  "vendor",
  ".venv",
  "__pycache__",
]);

export interface WalkOptions {
  /** If any are given, a file's path from the root must match one. */
  readonly include: readonly RegExp[];
  /** Files and folders whose path from the root matches one are skipped. */
  readonly exclude: readonly RegExp[];
}

/**
 * Iterates over the regular files below `root`, as paths from it with `/` as separator: the files of a folder in
 * alphabetical order, then its subfolders. Links are not followed, and unreadable subfolders are skipped.
 *
 * @throws {Error} of the system, if `root` cannot be read
 */
export async function* walk(
  root: string,
  options: WalkOptions,
  folder = "",
  depth = 0,
): AsyncGenerator<string> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: Error) => {
    if (depth === 0) throw error;
    return [] as Dirent[];
  });
  const rank = (entry: Dirent): string => `${entry.isDirectory() ? 1 : 0}${entry.name}`;
  entries.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));

  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (options.exclude.some((pattern) => pattern.test(path))) continue;
    if (entry.isDirectory()) {
      if (!ignored.has(entry.name) && depth < limits.repoDepth) yield* walk(root, options, path, depth + 1);
    } else if (entry.isFile() && wanted(path, options.include)) {
      yield path;
    }
  }
}

function wanted(path: string, include: readonly RegExp[]): boolean {
  return include.length === 0 || include.some((pattern) => pattern.test(path));
}

/** Compiles a glob that matches whole paths: `*` and `?` match within a segment, `**` any number of segments. */
export function glob(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (found) => {
    if (found === "**/") return "(?:[^/]+/)*";
    if (found === "**") return ".*";
    if (found === "*") return "[^/]*";
    return found === "?" ? "[^/]" : `\\${found}`;
  });
  return new RegExp(`^${source}$`);
}
