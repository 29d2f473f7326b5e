import type { Task } from "#client/index";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/** Prints the warnings of a task to stderr, each in a line. */
export async function tellWarnings({ warnings }: Pick<Task, "warnings">, io: Io): Promise<void> {
  const { yellow } = colorsFor(io.stderr, io);
  for (const warning of warnings) await io.stderr.write(`${yellow("warning:")} ${oneLine(warning)}\n`);
}
