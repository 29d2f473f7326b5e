import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Agent } from "../agent/agent.js";
import type { AgentContext } from "../agent/context.js";
import { checkName } from "../agent/definition.js";
import { ToldError } from "../agent/error.js";
import { inputWithResults } from "./input.js";
import { ProcessGroup } from "./process-group.js";
import { readErrors, readOutput } from "./program-output.js";
import { ProgramPipe } from "./program-pipe.js";

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
   * an object with the single key `result` sets the Run's result, byte for byte; the last one counts.
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
 * dependencies, and its place in a trace, if there is one, in the variable `TRACEPARENT`; its stdout is output, its stderr is logged. Exit code 0 completes the Run, with
 * `{"exit_code": 0, "stdout_bytes": …}` as its result unless the program gave one; any other end fails it. The Run ends
 * when the program does, whoever else still holds its pipes; what is left of its process group is killed. When the Run
 * is stopped, the group gets SIGTERM, and SIGKILL after the grace period; when this process is killed, SIGKILL.
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
  checkName(name);
  if (!Array.isArray(command))
    throw new TypeError(`agent ${name} needs command, a list: the program and its arguments`);
  const [program = ""] = command as readonly string[];
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
  const child = start(program, options, ctx.traceparent);
  const group = new ProcessGroup(child, ctx.log);
  const [stdout, stderr] = [new ProgramPipe(child.stdout), new ProgramPipe(child.stderr)];
  const exit = exitOf(child, program);
  const stop = (): void => {
    group.end(options.killGraceMs ?? limits.execKill);
    // A process that left the group may keep the pipe open; its output is not wanted.
    const unplug = (): unknown => child.stdout.destroy();
    exit.then(unplug, unplug);
  };
  ctx.signal.addEventListener("abort", stop, { once: true });
  child.once("exit", () => {
    stdout.programExited();
    stderr.programExited();
    child.stdin.destroy(); // a process that holds the other end might never read it
  });

  const errors = readErrors(stderr, ctx.log);
  child.stdin.on("error", () => {}); // a program need not read its input
  child.stdin.end(`${given}\n`);
  try {
    const [result, code] = await Promise.all([readOutput(stdout, options.output ?? "text", ctx), exit]);
    ctx.signal.throwIfAborted();
    if (stdout.cut)
      ctx.log.info("the program has ended, and what still holds its stdout is not heard", { program });
    if (code === "code 0") return result;
    const written = (await errors).trim();
    throw new ToldError(complaint(program, code, written), { detail: written });
  } catch (error) {
    stop();
    await exit; // the Run takes a slot until the program has ended; if it never started, this throws the reason
    ctx.signal.throwIfAborted(); // why it was stopped, not that its pipe was closed because of that
    throw error;
  } finally {
    ctx.signal.removeEventListener("abort", stop);
  }
}

/** A trace that the Worker itself was started in is not the Run's. */
function start(program: string, { command, cwd, env }: ExecOptions, traceparent: string | undefined): Child {
  try {
    return spawn(program, command.slice(1), {
      cwd,
      env: { ...process.env, TRACEPARENT: traceparent, TRACESTATE: undefined, ...env },
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
  } catch (cause) {
    throw cannotRun(program, cause as NodeJS.ErrnoException);
  }
}

/** Resolves to `code N` or `signal NAME`. */
function exitOf(child: Child, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(cannotRun(program, cause)));
    child.once("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`));
  });
}

/** What a machine lacks for a while; anything else is wrong with the program or the command. */
const passing: readonly (string | undefined)[] = ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"];

function cannotRun(program: string, cause: NodeJS.ErrnoException): ToldError {
  const again = passing.includes(cause.code) ? {} : { retryable: false };
  return new ToldError(`cannot run ${program}: ${cause.message}`, { ...again, cause });
}

function complaint(program: string, exit: string, stderr: string): string {
  const tail = stderr.slice(-limits.stderrTailChars).trim();
  return `${program} ended with ${exit}${tail === "" ? "" : `; stderr ends: ${tail}`}`;
}
