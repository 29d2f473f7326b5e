import { type AgentError, ToldError } from "../agent/error.js";
import { programComplaint } from "../exec/program.js";
import type { ResultMessage } from "./messages.js";
import type { Transcript } from "./transcript.js";

/**
 * The words of Claude Code for a failure of its API, and whether another attempt may help; for what is not in here the status
 * of the answer decides.
 */
const apiErrors: Readonly<Record<string, boolean>> = {
  authentication_failed: false,
  oauth_org_not_allowed: false,
  account_on_hold: false,
  verification_required: false,
  cloud_credential_error: false,
  billing_error: false,
  invalid_request: false,
  model_not_found: false,
  rate_limit: true,
  overloaded: true,
  server_error: true,
};

const LOGIN = "run `claude` on the worker's machine once and log in, or set ANTHROPIC_API_KEY for the worker";

/** The program says so in its answer, in some versions of a Run that it calls a success. */
const notLoggedIn = /^(Not logged in|Login expired|Invalid API key)\b|Please run \/login$/;

/** Why a result is a failure, as an error to throw; undefined if it is none. */
export function failureOf(
  result: ResultMessage,
  transcript: Transcript,
  nowMs: number,
): AgentError | undefined {
  const { subtype, is_error: isError, result: said, num_turns: turns } = result;
  const { apiError, sessionId } = transcript;
  if (apiError === "authentication_failed" || (isUnbilled(result) && notLoggedIn.test(said.trim())))
    return new ToldError(`Claude Code is not logged in (it says: ${brief(said)}): ${LOGIN}`, {
      retryable: false,
    });
  if (subtype === "error_max_turns") {
    const next = `allow more with max turns, or continue the session ${sessionId} with session_id`;
    return new ToldError(`Claude Code was not done after ${turns} turns, its limit: ${next}`, {
      retryable: false,
    });
  }
  if (!isError && subtype === "success") return undefined;
  return apiFailure(result, transcript, nowMs) ?? runFailure(result, transcript);
}

/** An answer that no model has written. */
function isUnbilled({ usage }: ResultMessage): boolean {
  return (usage?.output_tokens ?? 0) === 0;
}

function apiFailure(result: ResultMessage, { apiError, limitedUntilMs }: Transcript, nowMs: number) {
  const { api_error_status: status } = result;
  if (apiError === "" && !status) return undefined;
  const isPassing = apiErrors[apiError] ?? (!status || status === 408 || status === 429 || status >= 500);
  const kind = [apiError, status ? `status ${status}` : ""].filter((part) => part !== "").join(", ");
  return new ToldError(`the API that Claude Code calls has failed (${kind}): ${brief(wordsOf(result))}`, {
    retryable: isPassing,
    ...(isPassing && limitedUntilMs > nowMs && { retryAfterMs: limitedUntilMs - nowMs }),
  });
}

/** The session that was to be continued is not there. Nothing has been done. */
export class SessionUnknown extends ToldError {
  constructor(said: string) {
    const why =
      "sessions are kept where they began: on that machine, for that user, and in that working directory";
    super(`Claude Code does not have the session: ${brief(said)}; ${why}`, { retryable: false });
  }
}

function saysUnknown(text: string): boolean {
  return text.includes("No conversation found with session ID");
}

function runFailure(result: ResultMessage, { sessionId }: Transcript): AgentError {
  const words = wordsOf(result);
  if (saysUnknown(words)) return new SessionUnknown(words);
  const session = sessionId === "" ? "" : `, session ${sessionId}`;
  const isFinal = result.subtype.startsWith("error_max_");
  const message = `Claude Code has failed (${result.subtype}${session}): ${brief(words)}`;
  return new ToldError(message, isFinal ? { retryable: false } : {});
}

function wordsOf({ result, errors }: ResultMessage): string {
  return [...errors, result].filter((text) => text.trim() !== "").join("; ");
}

/** Enough to know it by. */
function brief(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  if (line === "") return "it gives no reason";
  return line.length > 500 ? `${line.slice(0, 499)}…` : line;
}

/** Why a program has ended without a result. */
export function withoutResult(program: string, exit: string, stderr: string, noise: string): AgentError {
  if (saysUnknown(stderr)) return new SessionUnknown(stderr); // some versions say no more of it
  if (noise !== "") {
    const version = "is it Claude Code, and new enough for --output-format=stream-json?";
    const message = `${program} has printed what is no message of Claude Code: ${brief(noise)}; ${version}`;
    return new ToldError(message, { retryable: false, detail: stderr });
  }
  const message = `${programComplaint(program, exit, stderr)}; it has given no result`;
  return new ToldError(message, { detail: stderr });
}

/** Why a program cannot be started, with the way out. */
export function notStarted(error: unknown, program: string, workingDir: string | undefined): unknown {
  if (!(error instanceof ToldError) || (error.cause as NodeJS.ErrnoException | undefined)?.code !== "ENOENT")
    return error;
  const install = "install it with `npm install -g @anthropic-ai/claude-code`";
  const say = "or say where it is with the option program, or the variable TASKRUN_CLAUDE";
  const where = workingDir === undefined ? "" : ` (in ${workingDir})`;
  return new ToldError(`there is no program ${program}${where}: ${install}, ${say}`, {
    retryable: false,
    cause: error.cause,
  });
}
