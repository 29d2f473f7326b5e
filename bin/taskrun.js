#!/usr/bin/env node
/**
 * The command `taskrun`. It is committed, so that it exists before the first build, and does one thing: it
 * loads the built command line, or says how to build it.
 */
import { existsSync } from "node:fs";

const main = new URL("../dist/src/cli/main.js", import.meta.url);

if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write("taskrun: this checkout is not built yet; run `npm run build` in it and try again.\n");
  process.exitCode = 2;
}
