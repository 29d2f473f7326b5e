import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { limits } from "#domain/limits";
import { CliError, exit } from "./exit.js";
import type { Io } from "./io.js";

/**
 * The JSON text that `--input` means: the value itself, the file behind an `@`, or standard input for `-`. It goes
 * to the server as it is; that it is JSON is checked here because here the mistake can be shown where it was made.
 *
 * @throws {CliError} of wrong use, naming the source
 */
export async function readInput(given: string | undefined, io: Io): Promise<string> {
  if (given === undefined) return "{}";
  const { text, source } = await read(given, io);

  const bytes = Buffer.byteLength(text);
  if (bytes > limits.inputBytes) {
    throw new CliError(
      exit.usage,
      `${source} is ${bytes} bytes long; an input has at most ${limits.inputBytes}`,
    );
  }
  try {
    JSON.parse(text);
  } catch (cause) {
    const example =
      'An example is --input \'{"query": "help"}\'; a file is --input @FILE, standard input --input -.';
    throw new CliError(exit.usage, `${source} is not JSON: ${(cause as Error).message}`, [example], cause);
  }
  return text;
}

async function read(given: string, io: Io): Promise<{ text: string; source: string }> {
  if (given === "-") return { text: await stdin(io), source: "standard input" };
  if (!given.startsWith("@")) return { text: given, source: "--input" };

  const path = resolve(io.cwd, given.slice(1));
  try {
    return { text: await readFile(path, "utf8"), source: path };
  } catch (cause) {
    throw new CliError(exit.usage, `--input: ${path} cannot be read: ${(cause as Error).message}`, [], cause);
  }
}

async function stdin(io: Io): Promise<string> {
  try {
    return await io.readStdin(limits.inputBytes);
  } catch (cause) {
    throw new CliError(exit.usage, `standard input: ${(cause as Error).message}`, [], cause);
  }
}
