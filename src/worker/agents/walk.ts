import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path/posix";
import { limits } from "#domain/limits";

/** Folders that hold what others wrote or what was generated. */
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
  /** Matched by the path from the root; a file must match one, if there are any. */
  readonly include: readonly RegExp[];
  /** A file or folder whose path from the root matches one is left out. */
  readonly exclude: readonly RegExp[];
}

/**
 * Every regular file below `root`, as a path from it with `/` between the parts: those of a folder
 * first, in alphabetical order, then its subfolders. Links are not followed; folders that cannot be read are passed over.
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

/** A glob over whole paths: `*` and `?` stay within a part of the path, `**` goes over any number of parts. */
export function glob(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (found) => {
    if (found === "**/") return "(?:[^/]+/)*";
    if (found === "**") return ".*";
    if (found === "*") return "[^/]*";
    return found === "?" ? "[^/]" : `\\${found}`;
  });
  return new RegExp(`^${source}$`);
}
