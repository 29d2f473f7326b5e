import { statSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { limits } from "#limits/index";
import { type Agent, agent } from "../agent/agent.js";
import type { AgentContext } from "../agent/context.js";
import { type AgentError, ToldError } from "../agent/error.js";
import { runProgram } from "../exec/program.js";
import type { ProgramPipe } from "../exec/program-pipe.js";
import { type PromptInput, promptInput, promptOf } from "../models/prompt.js";
import { after } from "../timers.js";
import { failureOf, notStarted, SessionUnknown, withoutResult } from "./failures.js";
import { MessageLines } from "./message-lines.js";
import { type ResultMessage, readLine } from "./messages.js";
import { argumentsOf, type ClaudeOptions, checkClaudeOptions, programOf } from "./options.js";
import { SessionJournal, sessionIdForm } from "./session-journal.js";
import { claudeBackend, Transcript } from "./transcript.js";

/**
 * The input of {@link claudeAgent}.
 *
 * @example
 * ```ts
 * import type { ClaudeInput } from "taskrun/worker";
 *
 * const more: ClaudeInput = { prompt: "And the tests?", session_id: "7d9bd5a4-0b3e-4a3c-8f6e-1d1f2b7f6c11" };
 * ```
 */
export interface ClaudeInput extends PromptInput {
  /** Continues a session, whose id is in the result of the Run that began it. */
  readonly session_id?: string;
}

/**
 * The result of {@link claudeAgent}.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import { type ClaudeResult, claudeAgent } from "taskrun/worker";
 *
 * const claude = claudeAgent();
 * const answer: ClaudeResult = await createClient().tasks.run(claude, { prompt: "What is in this folder?" });
 * console.log(answer.text, answer.session_id);
 * ```
 */
export interface ClaudeResult {
  /** The model's last answer. */
  readonly text: string;
  /** To be given as `session_id` of the next Run, on the same machine and in the same working directory. */
  readonly session_id: string;
  /** The model that the session began with. */
  readonly model: string;
  readonly num_turns: number;
  readonly tool_calls: number;
  readonly duration_ms: number;
  readonly stop_reason: string | null;
  /** What Claude Code says that it has cost; of a session that was continued, perhaps with its earlier Runs. */
  readonly total_cost_usd: number;
  /** Tools that it wanted to use and might not. */
  readonly permission_denials: string[];
}

const session = z.object({
  session_id: z.string().regex(sessionIdForm, "is no id of a session").optional(),
});

const input = z.intersection(promptInput, z.looseObject(session.shape));

/**
 * Makes an agent of Claude Code, the program `claude`, which is started for each Run and given the prompt on its stdin. Its text
 * is output, its tool calls are events, and its tokens and costs are reported as usage. What it may do is decided by its lists
 * of tools, its permission mode and its own settings; nothing is allowed here by default. When the Run is stopped, it is
 * ended with all that it has started. When its Worker is lost or the Run fails, the next Run of the Step continues its session.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 *
 * @example
 * ```ts
 * import { claudeAgent, serve } from "taskrun/worker";
 *
 * const reviewer = claudeAgent({
 *   name: "reviewer",
 *   model: "sonnet",
 *   workingDir: "/srv/checkout",
 *   allowedTools: ["Read", "Grep", "Glob"],
 * });
 * await serve({ agents: [reviewer] });
 * ```
 */
export function claudeAgent<const Name extends string = "claude">(
  options: ClaudeOptions & { readonly name?: Name } = {},
): Agent<Name, ClaudeInput, ClaudeResult> {
  checkClaudeOptions(options);
  const { name = "claude", description, labels, model, retry, timeoutMs, concurrency } = options;
  const made = agent({
    name: name as Name,
    description: description ?? "Asks Claude Code",
    ...(labels !== undefined && { labels }),
    backends: model === undefined ? [] : [claudeBackend(model)],
    ...(retry !== undefined && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(concurrency !== undefined && { concurrency }),
    input,
    run: (given, ctx) => perform(options, given as ClaudeInput, ctx),
  });
  return made as unknown as Agent<Name, ClaudeInput, ClaudeResult>;
}

async function perform(options: ClaudeOptions, given: ClaudeInput, ctx: AgentContext): Promise<ClaudeResult> {
  const sessions = await SessionJournal.open(ctx);
  try {
    const goneOn = await goOn(options, given, sessions, ctx);
    if (goneOn) return goneOn;
    const asked = { prompt: promptOf(given), sessionId: given.session_id };
    return await ask(options, asked, sessions, ctx);
  } finally {
    await sessions.close();
  }
}

const GO_ON =
  "You were interrupted before you were done. Look at what you have done already, and go on from there until all is done.";

/** Continues the session of the Run before, if there is one. Undefined if this machine does not have it: then it is begun anew. */
async function goOn(
  { resume = true, resumePrompt = GO_ON, ...options }: ClaudeOptions,
  given: ClaudeInput,
  sessions: SessionJournal,
  ctx: AgentContext,
): Promise<ClaudeResult | undefined> {
  const { last: sessionId } = sessions;
  if (!resume || sessionId === "") return undefined;
  // A session of an earlier Task may have been interrupted before it had this prompt; one that this Step began is found only with it.
  const asked = given.session_id === undefined ? "" : `\n\nYou were asked:\n\n${promptOf(given)}`;
  try {
    return await ask(options, { prompt: `${resumePrompt}${asked}`, sessionId }, sessions, ctx);
  } catch (error) {
    if (!(error instanceof SessionUnknown)) throw error;
    ctx.log.warn("Claude Code begins anew: it does not have the session of the run before", { sessionId });
    ctx.event("session_not_found", { session_id: sessionId });
    return undefined;
  }
}

interface Asked {
  readonly prompt: string;
  /** A session that is continued. */
  readonly sessionId: string | undefined;
}

/** Starts the program, to its result. */
async function ask(
  options: ClaudeOptions,
  { prompt, sessionId }: Asked,
  sessions: SessionJournal,
  ctx: AgentContext,
): Promise<ClaudeResult> {
  const program = programOf(options, process.env);
  const cwd = workingDirOf(options);
  const transcript = new Transcript(ctx, sessionId !== undefined, (id) => sessions.announce(id));
  const spec = {
    ...{ program, cwd, args: argumentsOf(options, sessionId), input: prompt },
    env: environment(options, ctx),
    killGraceMs: options.killGraceMs,
  };
  const { read, exit, stderr } = await runProgram(spec, ctx, (stdout, end) =>
    readMessages(stdout, end, transcript, ctx),
  ).catch((error: unknown) => {
    throw notStarted(error, program, cwd);
  });

  const { result } = transcript;
  if (!result) throw withoutResult(program, exit, await stderr, read.noise);
  const failure: AgentError | undefined = failureOf(result, transcript, Date.now());
  if (failure) throw failure;
  return resultOf(result, transcript);
}

function workingDirOf({ workingDir }: ClaudeOptions): string | undefined {
  if (workingDir === undefined) return undefined;
  const path = resolve(workingDir);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new ToldError(`the working directory ${path} is not there`, { retryable: false });
}

/** The Worker's own variables are its secrets: its key, its token, its address. */
function environment({ env }: ClaudeOptions, { traceparent }: AgentContext): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("TASKRUN_"));
  return { ...Object.fromEntries(own), TRACEPARENT: traceparent, TRACESTATE: undefined, ...env };
}

/** Reads the program's messages, no faster than output is accepted. Returns the last line that was none. */
async function readMessages(
  stdout: ProgramPipe,
  end: () => void,
  transcript: Transcript,
  ctx: AgentContext,
): Promise<{ readonly noise: string }> {
  const decoder = new TextDecoder();
  const lines = new MessageLines(limits.modelLineChars);
  let noise = "";
  let clear = (): void => {};
  const take = async (line: string): Promise<void> => {
    if (line.trim() === "") return;
    const message = readLine(line);
    if (message.type === "noise") {
      noise = line.slice(0, limits.stderrLineChars);
      ctx.log.info("stdout is no message of Claude Code", { line: noise });
    } else if (message.type !== "other") await transcript.take(message as Parameters<Transcript["take"]>[0]);
  };

  let isEnded = false;
  const endNow = (): void => {
    isEnded = true;
    end();
  };
  try {
    for await (const data of stdout.read()) {
      clear();
      for (const line of lines.feed(decoder.decode(data, { stream: true }))) await take(line);
      // The result is its last word; a program that then does not end is ended.
      if (transcript.result) clear = after(limits.modelFarewell, endNow);
    }
  } catch (error) {
    if (!isEnded) throw error; // its pipe is closed with it
  } finally {
    clear();
  }
  for (const line of [...lines.feed(decoder.decode()), ...lines.end()]) await take(line);
  if (lines.dropped > 0)
    ctx.log.warn("messages of Claude Code were too long to be read", { lines: lines.dropped });
  return { noise };
}

function resultOf(result: ResultMessage, { sessionId, model, toolCalls }: Transcript): ClaudeResult {
  return {
    text: result.result,
    session_id: result.session_id || sessionId,
    model,
    num_turns: result.num_turns,
    tool_calls: toolCalls,
    duration_ms: result.duration_ms,
    stop_reason: result.stop_reason ?? null,
    total_cost_usd: result.total_cost_usd,
    permission_denials: [...new Set(result.permission_denials.map(({ tool_name: tool }) => tool))],
  };
}
