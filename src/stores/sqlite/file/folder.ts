import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Creates a folder and its missing parents, one level at a time, each with a single attempt. `mkdirSync` with
 * `recursive` would retry forever where no folder can be created, as under `/proc`.
 *
 * @throws the error of the system, for example with code `EACCES`; `ENOTDIR` if a file is in the way
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

/** @throws with code `ENOTDIR` if the path is a file */
function exists(path: string): boolean {
  let stats: ReturnType<typeof statSync>;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // One of the parents is a file; the check of that parent reports it.
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
    // Another process may have created it in the meantime.
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
