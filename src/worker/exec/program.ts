import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { limits } from "#limits/index";
import type { AgentContext } from "../agent/context.js";
import { ToldError } from "../agent/error.js";
import { ProcessGroup } from "./process-group.js";
import { readErrors } from "./program-output.js";
import { ProgramPipe } from "./program-pipe.js";

/** A program that a Run starts, and what it is given. */
export interface Program {
  /** Its path, or its name on the PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Written to its stdin, which is then closed. */
  readonly input: string;
  /** Milliseconds between SIGTERM and SIGKILL when it is stopped. */
  readonly killGraceMs?: number | undefined;
  /** Talks with it: the program writes on descriptor 4, and reads from descriptor 3. Without it there are none. */
  readonly talk?:
    | ((requests: ProgramPipe, answers: Writable, ended: Promise<void>) => Promise<void>)
    | undefined;
}

/** How a program has ended. */
export interface ProgramEnd<Read> {
  /** What the reader of its stdout has returned. */
  readonly read: Read;
  /** `code N` or `signal NAME`. */
  readonly exit: string;
  /** Resolves to the end of its stderr, trimmed. */
  readonly stderr: Promise<string>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Runs a program in a process group of its own for a Run, and resolves when it has ended and its stdout is read. What is left of
 * its group is killed then. When the Run is stopped, or the reader rejects, the group gets SIGTERM, and SIGKILL after the grace
 * period; when this process is killed, SIGKILL.
 *
 * @param read reads stdout; calling `end` stops the program, whose exit is then waited for
 * @throws {ToldError} if the program cannot be started; its cause is the system's error
 * @throws {RunStopped} if the Run has been stopped, once the program has ended
 */
export async function runProgram<Read>(
  spec: Program,
  ctx: AgentContext,
  read: (stdout: ProgramPipe, end: () => void) => Promise<Read>,
): Promise<ProgramEnd<Read>> {
  ctx.signal.throwIfAborted();
  const { program } = spec;
  const child = start(spec);
  const group = new ProcessGroup(child, ctx.log);
  const [stdout, stderr] = [new ProgramPipe(child.stdout), new ProgramPipe(child.stderr)];
  const exit = exitOf(child, program);
  const stop = (): void => {
    group.end(spec.killGraceMs ?? limits.execKill);
    // A process that left the group may keep the pipe open; its output is not wanted.
    const unplug = (): void => {
      child.stdout.destroy();
      child.stdio[4]?.destroy();
    };
    exit.then(unplug, unplug);
  };
  ctx.signal.addEventListener("abort", stop, { once: true });
  const talk = talkWith(child, spec, exit);
  child.once("exit", () => {
    talk.requests?.programExited();
    stdout.programExited();
    stderr.programExited();
    child.stdin.destroy(); // a process that holds the other end might never read it
  });

  const errors = readErrors(stderr, ctx.log);
  child.stdin.on("error", () => {}); // a program need not read its input
  child.stdin.end(spec.input);
  try {
    const [result, code] = await Promise.all([read(stdout, stop), exit, talk.over]);
    ctx.signal.throwIfAborted();
    if (stdout.cut)
      ctx.log.info("the program has ended, and what still holds its stdout is not heard", { program });
    return { read: result, exit: code, stderr: errors.then((text) => text.trim()) };
  } catch (error) {
    stop();
    await exit; // the Run takes a slot until the program has ended; if it never started, this throws the reason
    ctx.signal.throwIfAborted(); // why it was stopped, not that its pipe was closed because of that
    throw error;
  } finally {
    ctx.signal.removeEventListener("abort", stop);
  }
}

/** Begins the talk, if there is one; `over` must be awaited. */
function talkWith(child: Child, { talk }: Program, exit: Promise<unknown>) {
  if (!talk) return { over: Promise.resolve() };
  const requests = new ProgramPipe(child.stdio[4] as Readable);
  const none = (): void => {};
  return { requests, over: talk(requests, child.stdio[3] as Writable, exit.then(none, none)) };
}

function start({ program, args, cwd, env, talk }: Program): Child {
  try {
    const more = talk ? (["pipe", "pipe"] as const) : [];
    const stdio = ["pipe", "pipe", "pipe", ...more] as const;
    return spawn(program, args, { cwd, env, detached: true, stdio: [...stdio] }) as Child;
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

/** Says how a program has ended, and with the end of its stderr why. */
export function programComplaint(program: string, exit: string, stderr: string): string {
  const tail = stderr.slice(-limits.stderrTailChars).trim();
  return `${program} ended with ${exit}${tail === "" ? "" : `; stderr ends: ${tail}`}`;
}
