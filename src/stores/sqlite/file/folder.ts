import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder, and those above it that are missing, one level at a time: each level is tried once. `mkdirSync`
 * with `recursive` tries again for ever where nothing can be made, as under `/proc`.
 *
 * @throws what the system answers, for example with code `EACCES`; `ENOTDIR` where a file is in the way
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  let there = resolve(path);
  while (!exists(there)) {
    missing.unshift(there);
    there = dirname(there);
  }
  for (const folder of missing) make(folder);
}

/** @throws with code `ENOTDIR` if it is a file */
function exists(path: string): boolean {
  let stats: ReturnType<typeof statSync>;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // The file in the way is one of those above.
    if (codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
  if (stats?.isDirectory() === false) {
    throw Object.assign(new Error(`${path} is a file, not a directory`), { code: "ENOTDIR" });
  }
  return stats !== undefined;
}

function make(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
