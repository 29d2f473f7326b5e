import { isAbsolute, resolve } from "node:path";
import { unknownName } from "#domain/option-names";
import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";
import { kindOf } from "../agent/kind-of.js";
import type { AgentPolicies } from "../agent/policies.js";

/** How Claude Code decides about tools that no list names; see its documentation. */
export const permissionModes = [
  "default",
  "manual",
  "acceptEdits",
  "plan",
  "dontAsk",
  "auto",
  "bypassPermissions",
] as const;
export type PermissionMode = (typeof permissionModes)[number];

/**
 * Options of {@link claudeAgent}. None is required.
 *
 * @example
 * ```ts
 * import type { ClaudeOptions } from "taskrun/worker";
 *
 * const options: ClaudeOptions = {
 *   name: "reviewer",
 *   model: "sonnet",
 *   instructions: "You review changes. Name files and lines.",
 *   workingDir: "/srv/checkout",
 *   allowedTools: ["Read", "Grep", "Bash(git diff:*)"],
 *   disallowedTools: ["WebFetch"],
 *   maxTurns: 30,
 * };
 * ```
 */
export interface ClaudeOptions extends AgentPolicies {
  /** Default `claude`. */
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Labels;
  /** The program: a path, or a name on the PATH. Default: the variable `TASKRUN_CLAUDE`, else `claude`. */
  readonly program?: string;
  /** A model's name or alias. Default: what Claude Code is set up for. */
  readonly model?: string;
  /** Added to its system prompt. Others on the machine can see it in the list of processes. */
  readonly instructions?: string;
  /** Where it works. Default: the Worker's own working directory. */
  readonly workingDir?: string;
  /** Tools that it may use without being asked, such as `Read` or `Bash(git log:*)`. */
  readonly allowedTools?: readonly string[];
  /** Tools that it may not use. */
  readonly disallowedTools?: readonly string[];
  /** Nobody is there to be asked: what needs a permission and has none is refused, and the model is told so. */
  readonly permissionMode?: PermissionMode;
  /** Lets it use every tool without a permission. Only where it can do no harm, such as a container without secrets. */
  readonly dangerouslySkipPermissions?: boolean;
  /** Answers of the model in one Run. A Run that needs more fails. */
  readonly maxTurns?: number;
  /**
   * Whether a Run continues the session of the Run before, which was lost or has failed, in place of beginning anew. Default true. A
   * session that this machine does not have is begun anew in any case.
   */
  readonly resume?: boolean;
  /** What a session that is continued so is told, in place of the prompt. Default: that it was interrupted, and should go on. */
  readonly resumePrompt?: string;
  /** Whether text is sent as it is written, and not by paragraphs. Default false. */
  readonly partialMessages?: boolean;
  /** Further arguments of the program, such as `--mcp-config` and a file. */
  readonly args?: readonly string[];
  /** Added to the Worker's own environment, of which the program does not get what begins with `TASKRUN_`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds between SIGTERM and SIGKILL when the Run is stopped. Default 5 000. */
  readonly killGraceMs?: number;
}

const names = Object.keys({
  name: true,
  description: true,
  labels: true,
  program: true,
  model: true,
  instructions: true,
  workingDir: true,
  allowedTools: true,
  disallowedTools: true,
  permissionMode: true,
  dangerouslySkipPermissions: true,
  maxTurns: true,
  resume: true,
  resumePrompt: true,
  partialMessages: true,
  args: true,
  env: true,
  killGraceMs: true,
  retry: true,
  timeoutMs: true,
  concurrency: true,
} satisfies Record<keyof ClaudeOptions, true>);

/**
 * Checks the options that the definition of an agent does not check.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 */
export function checkClaudeOptions(options: ClaudeOptions): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`claudeAgent() takes an object, not ${kindOf(options)}`);
  const unknown = unknownName(options, names);
  if (unknown !== undefined) throw new TypeError(`claudeAgent(): options ${unknown}`);
  for (const name of ["program", "model", "instructions", "workingDir", "resumePrompt"] as const)
    checkText(options[name], name);
  for (const name of ["allowedTools", "disallowedTools", "args"] as const) checkList(options[name], name);
  for (const name of ["dangerouslySkipPermissions", "resume", "partialMessages"] as const)
    checkKind(options[name], name, "boolean", "true or false");
  checkKind(options.killGraceMs, "killGraceMs", "number", "a number of milliseconds");
  checkWords(options);
  const { permissionMode: mode, maxTurns, env } = options;
  if (mode !== undefined && !permissionModes.includes(mode))
    throw new RangeError(
      `permissionMode is ${JSON.stringify(mode)}, not one of ${permissionModes.join(", ")}`,
    );
  if (
    maxTurns !== undefined &&
    !(Number.isInteger(maxTurns) && maxTurns >= 1 && maxTurns <= limits.modelTurnsMost)
  )
    throw new RangeError(`maxTurns is ${maxTurns}, not a whole number from 1 to ${limits.modelTurnsMost}`);
  if (env !== undefined && (typeof env !== "object" || env === null || Array.isArray(env)))
    throw new TypeError(`env is ${kindOf(env)}: send an object of strings`);
}

/** Words that stand alone in the program's arguments: one that begins with a dash would be read as an option. */
function checkWords({ model, allowedTools = [], disallowedTools = [] }: ClaudeOptions): void {
  const words = Object.entries({ model: model === undefined ? [] : [model], allowedTools, disallowedTools });
  for (const [name, texts] of words) {
    const wrong = texts.find((text) => text.trim() === "" || text.startsWith("-"));
    if (wrong !== undefined) throw new RangeError(`${name} has ${JSON.stringify(wrong)}, which is no name`);
  }
}

function checkText(value: unknown, name: string): void {
  checkKind(value, name, "string", "text");
  if (value === "") throw new RangeError(`${name} is empty: leave it out, or write something`);
}

function checkKind(value: unknown, name: string, kind: string, words: string): void {
  if (value !== undefined && typeof value !== kind)
    throw new TypeError(`${name} is ${kindOf(value)}, not ${words}`);
}

function checkList(value: unknown, name: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw new TypeError(`${name} is ${kindOf(value)}, not a list of texts`);
  if (value.length > limits.programWords)
    throw new RangeError(`${name} has ${value.length} entries; the limit is ${limits.programWords}`);
  for (const [i, each] of value.entries()) checkText(each, `${name}[${i}]`);
}

/** The program, its path made absolute if it is relative to the Worker's working directory and not a mere name. */
export function programOf({ program }: ClaudeOptions, env: NodeJS.ProcessEnv): string {
  const given = program || env.TASKRUN_CLAUDE || "claude";
  return given.includes("/") && !isAbsolute(given) ? resolve(given) : given;
}

/** The program's arguments. The prompt is none of them: arguments can be seen by everyone on the machine. */
export function argumentsOf(options: ClaudeOptions, sessionId: string | undefined): string[] {
  const { model, instructions, allowedTools = [], disallowedTools = [], permissionMode, maxTurns } = options;
  return [
    "--print",
    "--output-format=stream-json",
    "--verbose",
    ...(options.partialMessages ? ["--include-partial-messages"] : []),
    ...(model === undefined ? [] : ["--model", model]),
    ...(instructions === undefined ? [] : ["--append-system-prompt", instructions]),
    ...(allowedTools.length === 0 ? [] : ["--allowedTools", allowedTools.join(",")]),
    ...(disallowedTools.length === 0 ? [] : ["--disallowedTools", disallowedTools.join(",")]),
    ...(permissionMode === undefined ? [] : ["--permission-mode", permissionMode]),
    ...(options.dangerouslySkipPermissions ? ["--dangerously-skip-permissions"] : []),
    ...(maxTurns === undefined ? [] : ["--max-turns", String(maxTurns)]),
    ...(sessionId === undefined ? [] : ["--resume", sessionId]),
    ...(options.args ?? []),
  ];
}
