import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { AgentError, ToldError } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";

/** What a failed request was about, for the message. */
export interface Asked {
  readonly baseUrl: string;
  readonly model: string;
  /** It must not be told. */
  readonly apiKey: string;
}

/**
 * The error to throw for a failed request. Overload, limits of rate and failures of the server are worth another attempt, after
 * as long as the server's headers say; what is wrong with the request is not.
 */
export function requestFailure(thrown: unknown, asked: Asked, nowMs: number): unknown {
  if (thrown instanceof AgentError) return thrown;
  const { status, headers, code, type } = asApiError(thrown);
  const words = tellable(wordsOf(thrown), asked);
  if (status === undefined) {
    const isConnection = isConnectionError(thrown);
    const message = isConnection
      ? `the model's server ${urlOf(asked)} cannot be reached: ${words}`
      : `the model's server ${urlOf(asked)} has failed while it answered: ${words}`;
    return new ToldError(message, isConnection || type === "server_error" ? { retryable: true } : {});
  }
  const retryable = isPassing(status, code, headers);
  const retryAfterMs = retryable ? retryAfterOf(headers, nowMs) : 0;
  return new ToldError(`${subjectOf(status, asked)}: ${words}`, {
    retryable,
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

interface ApiError {
  readonly status?: number;
  readonly headers?: Pick<Headers, "get">;
  readonly code?: unknown;
  readonly type?: unknown;
}

/** By what it has, and not by its class: which of several copies of the package has thrown it is not known. */
function asApiError(thrown: unknown): ApiError {
  if (typeof thrown !== "object" || thrown === null) return {};
  const { status, headers, code, type } = thrown as Readonly<Record<string, unknown>>;
  const hasGet = typeof headers === "object" && headers !== null && "get" in headers;
  return {
    ...(typeof status === "number" && { status }),
    ...(hasGet && { headers: headers as Pick<Headers, "get"> }),
    code,
    type,
  };
}

function wordsOf(thrown: unknown): string {
  const words = thrown instanceof Error ? thrown.message : inWords(thrown);
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const deeper = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause) : undefined;
  return deeper && deeper.message !== "" && !words.includes(deeper.message)
    ? `${words} ${deeper.message}`
    : words;
}

/** Servers may say the key again, and the URL may have one in it. */
function tellable(words: string, { apiKey }: Asked): string {
  const told = apiKey === "" ? words : words.replaceAll(apiKey, "***");
  return clip(told.trim() || "it gives no reason", limits.stderrTailChars);
}

function urlOf({ baseUrl }: Asked): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).origin : "";
}

function isConnectionError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return /^APIConnection/.test(thrown.constructor.name) || /^(terminated|fetch failed)$/.test(thrown.message);
}

/** What of the codes of a status that says "too many" is for good until somebody pays. */
const unpaid: readonly unknown[] = ["insufficient_quota", "billing_hard_limit_reached"];

function isPassing(status: number, code: unknown, headers: ApiError["headers"]): boolean {
  const told = headers?.get("x-should-retry");
  if (told === "true" || told === "false") return told === "true";
  if (unpaid.includes(code)) return false;
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** By `retry-after-ms`, or by `retry-after`, which counts seconds or names a date; 0 if none says anything. */
function retryAfterOf(headers: ApiError["headers"], nowMs: number): number {
  const exact = Number.parseFloat(headers?.get("retry-after-ms") ?? "");
  if (exact >= 0) return exact;
  const given = headers?.get("retry-after") ?? "";
  const seconds = /^\s*\d/.test(given) ? Number.parseFloat(given) : Number.NaN;
  if (seconds >= 0) return seconds * 1_000;
  const date = Date.parse(given);
  return date > nowMs ? date - nowMs : 0;
}

function subjectOf(status: number, asked: Asked): string {
  const at = `the model's server ${urlOf(asked)}`;
  if (status === 401 || status === 403) {
    return `${at} has refused the key (status ${status}); set OPENAI_API_KEY for the worker, or the option apiKey`;
  }
  if (status === 404)
    return `${at} does not know the model ${asked.model}, or the path of the base URL (status 404)`;
  return `${at} has answered with status ${status}`;
}
