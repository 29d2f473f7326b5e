import { membersOf } from "#domain/json/slices";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { AgentContext } from "../agent/context.js";
import { ToldError } from "../agent/error.js";
import { JsonText } from "../agent/json-of.js";
import { Lines } from "./lines.js";
import type { ProgramPipe } from "./program-pipe.js";

/**
 * Reads stdout no faster than output is accepted, which blocks the program's writes. Returns the Run's result.
 *
 * @throws {ToldError} if a line of JSON Lines is too long; not retryable
 */
export async function readOutput(
  stdout: ProgramPipe,
  mode: "text" | "jsonl",
  ctx: AgentContext,
): Promise<unknown> {
  const decoder = new TextDecoder();
  const lines = new Lines(limits.execLineChars);
  let result: JsonText | undefined;
  let bytes = 0;

  const take = async (text: string): Promise<void> => {
    if (mode === "text") return ctx.output(text);
    for (const line of linesIn(lines, text)) await takeLine(line);
  };
  const takeLine = async (line: string): Promise<void> => {
    const found = resultIn(line);
    if (found) result = found;
    else if (line.trim() !== "") await ctx.output(`${line}\n`);
  };

  for await (const data of stdout.read()) {
    bytes += data.length;
    await take(decoder.decode(data, { stream: true }));
  }
  await take(decoder.decode());
  for (const line of lines.end()) await takeLine(line);
  return result ?? { exit_code: 0, stdout_bytes: bytes };
}

function linesIn(lines: Lines, text: string): readonly string[] {
  try {
    return lines.feed(text);
  } catch (cause) {
    const advice = "end it with a line feed sooner, or run the program with text output";
    const message = `${(cause as Error).message}, the most that a line of JSON Lines may have: ${advice}`;
    throw new ToldError(message, { retryable: false, cause });
  }
}

/** Returns the value of a line of the form `{"result": …}`, byte for byte; undefined for any other line. */
function resultIn(line: string): JsonText | undefined {
  if (!line.includes('"result"')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== "object" || parsed === null || Object.keys(parsed).join() !== "result")
      return undefined;
  } catch {
    return undefined; // not JSON: output like any other line
  }
  const json = membersOf(line)?.get("result");
  return json === undefined ? undefined : new JsonText(json);
}

/** Logs stderr line by line. Resolves, when it ends, to its end, cut to a limit. */
export async function readErrors(stderr: ProgramPipe, log: Log): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  let line = "";
  try {
    for await (const data of stderr.read()) {
      const text = decoder.decode(data, { stream: true });
      tail = (tail + text).slice(-limits.stderrDetailChars);
      const parts = (line + text).split("\n");
      line = (parts.pop() ?? "").slice(0, limits.stderrLineChars);
      for (const part of parts) log.info("stderr", { line: part.slice(0, limits.stderrLineChars) });
    }
    if (line !== "") log.info("stderr", { line });
  } catch (error) {
    log.debug("stderr ended early", { why: (error as Error).message });
  }
  return tail;
}
