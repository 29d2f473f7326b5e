import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "./io.js";

/**
 * Returns the JSON text of an option such as `--input`: the value itself, the file after an `@`, or standard input for
 * `-`. The text is sent unchanged; its syntax is checked here, where the error message can name the source.
 *
 * @throws {CliError} `usage`, naming the source
 */
export async function readInput(given: string, io: Io, option = "--input"): Promise<string> {
  const { text, source } = await read(given, io, option);

  const bytes = Buffer.byteLength(text);
  if (bytes > limits.inputBytes) {
    throw new CliError(
      exit.usage,
      `${source} is ${bytes} bytes long; ${option} has at most ${limits.inputBytes}`,
    );
  }
  try {
    JSON.parse(text);
  } catch (cause) {
    const example = `An example is ${option} '{"query": "help"}'; a file is ${option} @FILE, standard input ${option} -.`;
    throw new CliError(exit.usage, `${source} is not JSON: ${(cause as Error).message}`, [example], cause);
  }
  return text;
}

async function read(given: string, io: Io, option: string): Promise<{ text: string; source: string }> {
  if (given === "-") return { text: await stdin(io), source: "standard input" };
  if (!given.startsWith("@")) return { text: given, source: option };

  const path = resolve(io.cwd, given.slice(1));
  try {
    return { text: await readFile(path, "utf8"), source: path };
  } catch (cause) {
    throw new CliError(
      exit.usage,
      `${option}: ${path} cannot be read: ${(cause as Error).message}`,
      [],
      cause,
    );
  }
}

async function stdin(io: Io): Promise<string> {
  try {
    return await io.readStdin(limits.inputBytes);
  } catch (cause) {
    throw new CliError(exit.usage, `standard input: ${(cause as Error).message}`, [], cause);
  }
}
