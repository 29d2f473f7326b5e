import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import type { Log } from "#ports/telemetry";
import { type Agent, checkName } from "./agent.js";
import type { AgentContext } from "./agent-context.js";
import { AgentError } from "./agent-error.js";
import { inputWithResults } from "./exec-input.js";
import { Lines } from "./lines.js";
import { ProcessGroup } from "./process-group.js";
import { pause } from "./timers.js";

export interface ExecOptions {
  readonly name: string;
  readonly description?: string;
  readonly labels?: Labels;
  /** The program and its arguments. No shell reads them; `splitCommand` makes them of a line of text. */
  readonly command: readonly string[];
  /**
   * How its stdout is read. `text`: as it comes, in chunks. `jsonl`: each line is a chunk; but a line that is
   * an object with the one key `result` is kept back and becomes the run's result, the last such line wins.
   */
  readonly output?: "text" | "jsonl";
  readonly cwd?: string;
  /** Added to the worker's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL when the run is no longer wanted. Default 5 s. */
  readonly killGraceMs?: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * An agent that is any program. It gets its input, as JSON, on stdin: the task's, and in a workflow also the
 * results of the steps before it. stdout is its output, stderr goes to the log. Exit code 0 completes the run, with `{"exit_code": 0, "stdout_bytes": …}` as its result unless
 * the program gave one; anything else fails it. When the run is no longer wanted the program and all that it
 * started get SIGTERM, and SIGKILL after the grace.
 *
 * @throws {RangeError} if there is no name or no program
 */
export function execAgent(options: ExecOptions): Agent {
  const { name, description, labels = {}, command } = options;
  const [program = ""] = command;
  checkName(name);
  if (program === "") throw new RangeError(`agent ${name} has an empty command: name a program`);

  return {
    name,
    description: description ?? `Runs ${program}`,
    labels,
    backends: [{ provider: "exec", modelName: program, supportsStreaming: true, modalities: ["text"] }],
    perform: (inputJson, ctx) => perform(options, program, inputJson, ctx),
  };
}

async function perform(
  options: ExecOptions,
  program: string,
  input: string,
  ctx: AgentContext,
): Promise<unknown> {
  const given = await inputWithResults(input, ctx);
  ctx.signal.throwIfAborted();
  const child = spawn(program, options.command.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const group = new ProcessGroup(child);
  const exit = exitOf(child, program);
  const stop = (): void => {
    group.end(options.killGraceMs ?? limits.execKill);
    // What escaped the group may hold the pipe open; nobody wants to read it any more.
    const unplug = (): unknown => child.stdout.destroy();
    exit.then(unplug, unplug);
  };
  ctx.signal.addEventListener("abort", stop, { once: true });

  const errors = tailOf(child.stderr, ctx.log);
  child.stdin.on("error", () => {}); // a program need not read its input
  child.stdin.end(`${given}\n`);
  try {
    const [result, code] = await Promise.all([readOutput(child.stdout, options.output ?? "text", ctx), exit]);
    ctx.signal.throwIfAborted();
    if (code === "code 0") return result;
    const late = pause(limits.stderrLate, ctx.signal).then(() => "");
    throw new AgentError(complaint(program, code, await Promise.race([errors, late])));
  } catch (error) {
    stop();
    await exit; // the run has its place until the program has really ended; if it never began, that is the error
    throw error;
  } finally {
    ctx.signal.removeEventListener("abort", stop);
  }
}

/** Resolves to `code N` or `signal NAME`. */
function exitOf(child: Child, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const message = `cannot run ${program}: ${cause.message}`;
      reject(new AgentError(message, { retryable: false, cause }));
    });
    child.once("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`));
  });
}

function complaint(program: string, exit: string, stderr: string): string {
  const tail = stderr.trim();
  return `${program} ended with ${exit}${tail === "" ? "" : `; stderr ends: ${tail}`}`;
}

/** Reads at the pace at which output is taken: the program waits with its next write meanwhile. */
async function readOutput(stdout: Readable, mode: "text" | "jsonl", ctx: AgentContext): Promise<unknown> {
  const decoder = new TextDecoder();
  const lines = new Lines(limits.execLineChars);
  let result: { readonly value: unknown } | undefined;
  let bytes = 0;

  const take = async (text: string): Promise<void> => {
    if (mode === "text") return ctx.output(text);
    for (const line of lines.feed(text)) await takeLine(line);
  };
  const takeLine = async (line: string): Promise<void> => {
    const found = resultIn(line);
    if (found) result = found;
    else if (line.trim() !== "") await ctx.output(`${line}\n`);
  };

  for await (const data of stdout as AsyncIterable<Buffer>) {
    bytes += data.length;
    await take(decoder.decode(data, { stream: true }));
  }
  await take(decoder.decode());
  for (const line of lines.end()) await takeLine(line);
  return result ? result.value : { exit_code: 0, stdout_bytes: bytes };
}

/** The value of a line that says `{"result": …}` and nothing else. */
function resultIn(line: string): { readonly value: unknown } | undefined {
  if (!line.includes('"result"')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    const isResult = typeof parsed === "object" && parsed !== null && Object.keys(parsed).join() === "result";
    return isResult ? { value: (parsed as { readonly result: unknown }).result } : undefined;
  } catch {
    return undefined; // a line that is no JSON is output like any other
  }
}

/** Logs stderr line by line; resolves, when it ends, to the last of it. */
async function tailOf(stderr: Readable, log: Log): Promise<string> {
  let tail = "";
  let line = "";
  try {
    stderr.setEncoding("utf8");
    for await (const text of stderr as AsyncIterable<string>) {
      tail = (tail + text).slice(-limits.stderrTailChars);
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
