import type { Labels } from "#domain/task/task";
import type { Agent } from "../agent/agent.js";
import type { AgentContext } from "../agent/context.js";
import { checkName } from "../agent/definition.js";
import { ToldError } from "../agent/error.js";
import { inputWithResults } from "./input.js";
import { programComplaint, runProgram } from "./program.js";
import { readOutput } from "./program-output.js";
import { StepDialogue } from "./step-dialogue.js";

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
  /**
   * True if the program does durable steps: it asks for them on descriptor 4, a line of JSON each, and is answered on descriptor 3, so
   * that what it has done is not done again when its Worker is lost. `docs/agents.md` has the lines.
   */
  readonly steps?: boolean;
  readonly cwd?: string;
  /** Added to the Worker's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds between SIGTERM and SIGKILL when the Run is stopped. Default 5 000. */
  readonly killGraceMs?: number;
}

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
  if (typeof (options.steps ?? false) !== "boolean")
    throw new TypeError(`agent ${name} has steps that is neither true nor false`);
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
  { command, cwd, env, output, steps = false, killGraceMs }: ExecOptions,
  program: string,
  input: string,
  ctx: AgentContext,
): Promise<unknown> {
  const given = await inputWithResults(input, ctx);
  const dialogue = steps ? new StepDialogue(ctx) : undefined;
  const spec = {
    program,
    talk: dialogue?.hold.bind(dialogue),
    args: command.slice(1),
    cwd,
    // A trace that the Worker itself was started in is not the Run's.
    env: { ...process.env, TRACEPARENT: ctx.traceparent, TRACESTATE: undefined, ...env },
    input: `${given}\n`,
    killGraceMs,
  };
  const { read, exit, stderr } = await runProgram(spec, ctx, (stdout) =>
    readOutput(stdout, output ?? "text", ctx),
  );
  const [left] = dialogue?.unfinished ?? [];
  if (exit === "code 0" && left !== undefined) {
    const advice =
      'write {"done": N, "result": …} or {"failed": N, "error": "…"}, with the number that it was told, before it ends';
    throw new ToldError(`${program} has ended in the middle of its step "${left}": ${advice}`, {
      retryable: false,
    });
  }
  if (exit === "code 0") return read;
  const written = await stderr;
  throw new ToldError(programComplaint(program, exit, written), { detail: written });
}
