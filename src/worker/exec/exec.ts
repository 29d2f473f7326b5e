import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { type Agent, checkName } from "../agent/agent.js";
import type { AgentContext } from "../agent/context.js";
import { AgentError } from "../agent/error.js";
import { pause } from "../timers.js";
import { inputWithResults } from "./input.js";
import { Lines } from "./lines.js";
import { ProcessGroup } from "./process-group.js";

/**
 * Options of {@link execAgent}.
 *
 * @example
 * ```ts
 * import type { ExecOptions } from "taskrun/worker";
 *
 * const options: ExecOptions = {
 *   name: "draft_replies",
 *   command: ["python3", "draft.py"],
 *   output: "jsonl",
 *   cwd: "agents",
 *   env: { MODEL: "small" },
 * };
 * ```
 */
export interface ExecOptions {
  readonly name: string;
  readonly description?: string;
  readonly labels?: Labels;
  /** The program and its arguments, without a shell. {@link splitCommand} splits a command line. */
  readonly command: readonly string[];
  /**
   * How stdout is read. `text`, the default: sent as output in chunks. `jsonl`: each line is sent as output, except that
   * an object with the single key `result` sets the Run's result; the last one counts.
   */
  readonly output?: "text" | "jsonl";
  readonly cwd?: string;
  /** Added to the Worker's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds between SIGTERM and SIGKILL when the Run is stopped. Default 5 000. */
  readonly killGraceMs?: number;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Makes an agent of a program. The program gets the Step's input as JSON on stdin, in a workflow with the results of its
 * dependencies; its stdout is output, its stderr is logged. Exit code 0 completes the Run, with
 * `{"exit_code": 0, "stdout_bytes": …}` as its result unless the program gave one; any other end fails it. When the Run
 * is stopped, the program and its descendants get SIGTERM, and SIGKILL after the grace period.
 *
 * @throws {RangeError} if the name or the command is empty
 *
 * @example
 * ```ts
 * import { execAgent, serve } from "taskrun/worker";
 *
 * await serve({ agents: [execAgent({ name: "wc", command: ["wc", "-w"] })] });
 * ```
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
    // A process that left the group may keep the pipe open; its output is not wanted.
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
    await exit; // the Run takes a slot until the program has ended; if it never started, this throws the reason
    ctx.signal.throwIfAborted(); // why it was stopped, not that its pipe was closed because of that
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

/** Reads stdout no faster than output is accepted, which blocks the program's writes. Returns the Run's result. */
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

/** Returns the value of a line of the form `{"result": …}`; undefined for any other line. */
function resultIn(line: string): { readonly value: unknown } | undefined {
  if (!line.includes('"result"')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    const isResult = typeof parsed === "object" && parsed !== null && Object.keys(parsed).join() === "result";
    return isResult ? { value: (parsed as { readonly result: unknown }).result } : undefined;
  } catch {
    return undefined; // not JSON: output like any other line
  }
}

/** Logs stderr line by line. Resolves, when it ends, to its end, cut to a limit. */
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
