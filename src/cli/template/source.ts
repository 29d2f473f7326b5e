import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** The text of a template, and the name of its source. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads all files before any is used; `-` is standard input.
 *
 * @throws {CliError} `usage`, naming what cannot be read
 */
export async function readSources(files: readonly string[], io: Io): Promise<readonly SourceText[]> {
  if (files.filter((file) => file === "-").length > 1)
    throw new CliError(exit.usage, "standard input can be read only once: name `-` once");
  const sources: SourceText[] = [];
  for (const file of files) sources.push(await readSource(file, io));
  return sources;
}

export async function readSource(file: string, io: Io): Promise<SourceText> {
  try {
    if (file === "-") return { file: "<stdin>", text: await io.readStdin(limits.templateBytes) };
    return { file, text: await readBounded(resolve(io.cwd, file)) };
  } catch (cause) {
    const what = file === "-" ? "standard input" : file;
    throw new CliError(exit.usage, `${what} cannot be read: ${(cause as Error).message}`, [], cause);
  }
}

async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > limits.templateBytes)
    throw new RangeError(`it is ${size} bytes long; a template has at most ${limits.templateBytes}`);
  return readFile(path, "utf8");
}
