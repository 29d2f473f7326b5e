import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The checkout, from wherever the bench has been compiled to. */
export const root = dirname(createRequire(import.meta.url).resolve("taskrun/package.json"));

/** A file of the example workflows. */
export function examples(path: string): string {
  return join(root, "examples/workflows", path);
}
