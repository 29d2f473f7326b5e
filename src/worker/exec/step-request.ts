import { limits } from "#limits/index";
import type { CallOptions, StepOptions, UsageReport } from "../agent/durable.js";
import { ToldError } from "../agent/error.js";

/** What a program asks for on descriptor 4, a line of JSON each. */
export type StepRequest =
  | ({ readonly type: "begin"; readonly kind: "step" | "tool"; readonly name: string } & Begun)
  | { readonly type: "done"; readonly number: number; readonly result: unknown }
  | {
      readonly type: "failed";
      readonly number: number;
      readonly message: string;
      readonly retryable: boolean | undefined;
    }
  | { readonly type: "sleep"; readonly ms: number }
  | { readonly type: "signal"; readonly name: string; readonly options: object }
  | ({ readonly type: "call" | "spawn"; readonly agent: string } & Called)
  | { readonly type: "join"; readonly number: number }
  | { readonly type: "usage"; readonly report: UsageReport };

interface Begun {
  /** Of a tool its arguments. */
  readonly input: unknown;
  readonly options: Omit<StepOptions<unknown>, "input">;
}

interface Called {
  readonly input: unknown;
  readonly options: CallOptions;
}

/** The fields of each request: the first says what it is, and is required. */
const fields = {
  step: ["effect", "input", "on_doubt"],
  tool: ["effect", "args", "on_doubt"],
  done: ["result"],
  failed: ["error", "retryable"],
  sleep_ms: [],
  signal: ["timeout_ms", "default"],
  call: ["input", "timeout_ms", "max_attempts"],
  spawn: ["input", "timeout_ms", "max_attempts"],
  join: [],
  usage: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type Verb = keyof typeof fields;
type Said = Readonly<Record<string, unknown>>;

/**
 * Reads a line. Values are checked where they are used, by the functions of agents.
 *
 * @throws {ToldError} if it is no request, naming what is wrong with it
 */
export function stepRequestOf(line: string): StepRequest {
  const said = objectOf(line);
  const names = Object.keys(said);
  const verbs = (Object.keys(fields) as Verb[]).filter((verb) => names.includes(verb));
  const [verb] = verbs;
  if (verb === undefined || verbs.length > 1) {
    throw noRequest(line, `has ${verb ? "several" : "none"} of ${Object.keys(fields).join(", ")}: give one`);
  }
  const unknown = names.find((name) => name !== verb && !(fields[verb] as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const known = fields[verb].map((name) => `"${name}"`).join(", ") || "nothing else";
    throw noRequest(line, `has "${unknown}"; beside "${verb}" there may be ${known}`);
  }
  return readers[verb](said, (problem) => noRequest(line, problem));
}

type Refuse = (problem: string) => ToldError;

const readers: Readonly<Record<Verb, (said: Said, refuse: Refuse) => StepRequest>> = {
  step: (said, refuse) => begin("step", said, said.input, refuse),
  tool: (said, refuse) => begin("tool", said, said.args ?? {}, refuse),
  done: ({ done, result = null }, refuse) => ({
    type: "done",
    number: numberIn("done", done, refuse),
    result,
  }),
  failed: ({ failed, error = "", retryable }, refuse) => ({
    type: "failed",
    number: numberIn("failed", failed, refuse),
    message: textIn("error", error, refuse),
    retryable: retryable === undefined ? undefined : flagIn("retryable", retryable, refuse),
  }),
  sleep_ms: ({ sleep_ms: ms }, refuse) => ({ type: "sleep", ms: numberIn("sleep_ms", ms, refuse) }),
  signal: (said, refuse) => ({
    type: "signal",
    name: textIn("signal", said.signal, refuse),
    options: {
      ...(said.timeout_ms !== undefined && { timeoutMs: numberIn("timeout_ms", said.timeout_ms, refuse) }),
      ...("default" in said && { default: said.default }),
    },
  }),
  call: (said, refuse) => child("call", said, refuse),
  spawn: (said, refuse) => child("spawn", said, refuse),
  join: ({ join }, refuse) => ({ type: "join", number: numberIn("join", join, refuse) }),
  usage: ({ usage }, refuse) => ({ type: "usage", report: usageIn(usage, refuse) }),
};

function begin(kind: "step" | "tool", said: Said, input: unknown, refuse: Refuse): StepRequest {
  const { effect, on_doubt: onDoubt } = said;
  return {
    type: "begin",
    kind,
    name: textIn(kind, said[kind], refuse),
    input,
    options: {
      ...(effect !== undefined && {
        effect: oneIn("effect", effect, ["read", "idempotent", "once"], refuse),
      }),
      ...(onDoubt !== undefined && {
        onDoubt: oneIn("on_doubt", onDoubt, ["hold", "retry", "fail"] as const, refuse),
      }),
    },
  };
}

function child(type: "call" | "spawn", said: Said, refuse: Refuse): StepRequest {
  const { input = {}, timeout_ms: timeoutMs, max_attempts: maxAttempts } = said;
  const options = {
    ...(timeoutMs !== undefined && { timeoutMs: numberIn("timeout_ms", timeoutMs, refuse) }),
    ...(maxAttempts !== undefined && { maxAttempts: numberIn("max_attempts", maxAttempts, refuse) }),
  };
  return { type, agent: textIn(type, said[type], refuse), input, options };
}

const counts = {
  input_tokens: "inputTokens",
  output_tokens: "outputTokens",
  cached_tokens: "cachedTokens",
  tool_calls: "toolCalls",
  usd_micros: "usdMicros",
} as const;

function usageIn(value: unknown, refuse: Refuse): UsageReport {
  if (typeof value !== "object" || value === null) throw refuse('has "usage" that is no object');
  const { model, ...rest } = value as Said;
  const found: Partial<Record<(typeof counts)[keyof typeof counts], number>> = {};
  for (const [name, count] of Object.entries(rest)) {
    if (!(name in counts))
      throw refuse(`has "usage" with "${name}"; there may be ${Object.keys(counts).join(", ")}`);
    found[counts[name as keyof typeof counts]] = numberIn(name, count, refuse);
  }
  return { model: textIn("model", model, refuse), ...found };
}

function objectOf(line: string): Said {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw noRequest(line, `is no JSON: ${(cause as Error).message}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Said;
  throw noRequest(line, "is no JSON object");
}

function textIn(name: string, value: unknown, refuse: Refuse): string {
  if (typeof value === "string") return value;
  throw refuse(`has "${name}" that is no text`);
}

function numberIn(name: string, value: unknown, refuse: Refuse): number {
  if (typeof value === "number") return value;
  throw refuse(`has "${name}" that is no number`);
}

function flagIn(name: string, value: unknown, refuse: Refuse): boolean {
  if (typeof value === "boolean") return value;
  throw refuse(`has "${name}" that is neither true nor false`);
}

function oneIn<Word extends string>(
  name: string,
  value: unknown,
  words: readonly Word[],
  refuse: Refuse,
): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw refuse(`has "${name}" that is none of ${words.join(", ")}`);
}

function noRequest(line: string, problem: string): ToldError {
  const shown = line.length > limits.stderrLineChars ? `${line.slice(0, limits.stderrLineChars)}…` : line;
  return new ToldError(`what the program has written on descriptor 4 ${problem}: ${shown}`, {
    retryable: false,
  });
}
