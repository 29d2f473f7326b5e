import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { unknownName } from "#domain/option-names";
import { DURATION_ADVICE, readDuration } from "#domain/time/duration";
import { limits } from "#limits/index";
import {
  type Agent,
  type ClaudeOptions,
  claudeAgent,
  type ExecOptions,
  execAgent,
  type OpenaiOptions,
  splitCommand,
} from "#worker/index";
import { CliError, exit } from "../exit.js";
import { suggestion } from "../suggest.js";
import type { Io } from "../terminal/io.js";
import { folderAt, readyOpenaiAgent } from "./model-agents.js";

/** What a value of the file is, beyond what stands in it: a length of time, a folder from the file's own, the name of a variable. */
type Reader = (value: unknown, key: string, place: Place) => unknown;

interface Place {
  /** The file's folder. */
  readonly folder: string;
  readonly env: Io["env"];
}

/** An option of an agent, and how its value is read. */
type Key = readonly [option: string, read?: Reader];

const common = {
  name: ["name"],
  description: ["description"],
  labels: ["labels"],
  timeout: ["timeoutMs", milliseconds],
  concurrency: ["concurrency"],
  retry: ["retry", retry],
} as const satisfies Record<string, Key>;

/** The keys of an agent by its kind. */
const kinds = {
  claude: {
    ...common,
    program: ["program"],
    model: ["model"],
    instructions: ["instructions"],
    working_dir: ["workingDir", folder],
    allowed_tools: ["allowedTools"],
    disallowed_tools: ["disallowedTools"],
    permission_mode: ["permissionMode"],
    dangerously_skip_permissions: ["dangerouslySkipPermissions"],
    max_turns: ["maxTurns"],
    resume: ["resume"],
    resume_prompt: ["resumePrompt"],
    partial_messages: ["partialMessages"],
    args: ["args"],
    env: ["env", texts],
  },
  openai: {
    ...common,
    model: ["model"],
    base_url: ["baseUrl"],
    api_key_env: ["apiKey", variable],
    provider: ["provider"],
    instructions: ["instructions"],
    max_turns: ["maxTurns"],
    max_output_tokens: ["maxOutputTokens"],
    request_timeout: ["requestTimeoutMs", milliseconds],
    headers: ["headers", texts],
    parameters: ["parameters"],
  },
  exec: {
    name: common.name,
    description: common.description,
    labels: common.labels,
    command: ["command", command],
    output: ["output", output],
    steps: ["steps"],
    working_dir: ["cwd", folder],
    env: ["env", texts],
  },
} as const satisfies Record<string, Readonly<Record<string, Key>>>;

type Kind = keyof typeof kinds;

/** By kind, from options that have been named, but not checked. */
const makers: Readonly<Record<Kind, (options: never) => Agent>> = {
  claude: (options: ClaudeOptions) => claudeAgent(options),
  openai: (options: OpenaiOptions) => readyOpenaiAgent(options),
  exec: (options: ExecOptions) => execAgent(options),
};

/**
 * Makes the agents of a file: `[[agents]]` tables, each with a name and a kind.
 *
 * @throws {CliError} `usage`, naming everything that is wrong, a line each
 */
export function agentsOfFile(file: string, { cwd, env }: Pick<Io, "cwd" | "env">): readonly Agent[] {
  const path = resolve(cwd, file);
  const table = read(path);
  const unknown = unknownName(table, ["agents"]);
  if (unknown !== undefined) throw wrong([`${path} ${unknown}`]);
  const { agents } = table;
  if (!Array.isArray(agents) || agents.length === 0)
    throw wrong([`${path} has no agents: write a table [[agents]] for each, with name and kind`]);
  if (agents.length > limits.agentsPerWorker)
    throw wrong([`${path} has ${agents.length} agents; a worker may have ${limits.agentsPerWorker}`]);

  const problems: string[] = [];
  const made = agents.flatMap((entry: unknown, i): Agent[] => {
    try {
      return [agentOf(entry, { folder: dirname(path), env })];
    } catch (error) {
      problems.push(`${path}: ${nameOf(entry) ?? `agents[${i}]`}: ${(error as Error).message}`);
      return [];
    }
  });
  if (problems.length > 0) throw wrong(problems);
  return made;
}

function wrong([first = "", ...more]: readonly string[]): CliError {
  return new CliError(exit.usage, `--config: ${first}`, more);
}

function read(path: string): Readonly<Record<string, unknown>> {
  try {
    const { size } = statSync(path);
    if (size > limits.workerFileBytes)
      throw new Error(`it has ${size} bytes, and may have ${limits.workerFileBytes}`);
    return parse(readFileSync(path, "utf8"));
  } catch (thrown) {
    if (thrown instanceof TomlError)
      throw wrong([`${path}:${thrown.line}:${thrown.column}: ${thrown.message.split("\n", 1)[0]}`]);
    const isMissing = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    throw wrong([
      `${path} cannot be read: ${isMissing ? "there is no such file" : (thrown as Error).message}`,
    ]);
  }
}

function nameOf(entry: unknown): string | undefined {
  const { name } = (typeof entry === "object" && entry !== null ? entry : {}) as { readonly name?: unknown };
  return typeof name === "string" && name !== "" ? `agent ${name}` : undefined;
}

function agentOf(entry: unknown, place: Place): Agent {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) throw new Error("is no table");
  const { kind, ...values } = entry as Readonly<Record<string, unknown>>;
  const names = Object.keys(kinds);
  if (typeof kind !== "string" || !names.includes(kind))
    throw new Error(
      kind === undefined
        ? `has no kind: write ${names.join(", ")}`
        : `there is no kind ${String(kind)}${suggestion(String(kind), names)}`,
    );
  const keys: Readonly<Record<string, Key>> = kinds[kind as Kind];
  if ("api_key" in values)
    throw new Error("a key does not stand in the file: name its variable with api_key_env");
  const unknown = unknownName(values, Object.keys(keys));
  if (unknown !== undefined) throw new Error(unknown);
  if (nameOf(values) === undefined) throw new Error("has no name, by which tasks name it");

  const options = Object.entries(values).map(([key, value]) => {
    const [option, reader] = keys[key] ?? [key];
    return [option, reader ? reader(value, key, place) : value] as const;
  });
  try {
    return makers[kind as Kind](Object.fromEntries(options) as never);
  } catch (error) {
    throw error instanceof CliError ? error : new Error(inKeys((error as Error).message, keys));
  }
}

/** The message in the words of the file. */
function inKeys(message: string, keys: Readonly<Record<string, Key>>): string {
  const renamed = Object.entries(keys).filter(([key, [option]]) => key !== option);
  return renamed.reduce(
    (text, [key, [option]]) => text.replace(new RegExp(`\\b${option}\\b`, "g"), key),
    message,
  );
}

function milliseconds(value: unknown, key: string): number {
  const ms = typeof value === "string" ? readDuration(value) : undefined;
  if (ms === undefined)
    throw new Error(`${key} is ${JSON.stringify(value)}, not a duration; ${DURATION_ADVICE}`);
  return ms;
}

const retryKeys = {
  attempts: ["attempts"],
  backoff: ["backoff"],
  base: ["baseMs", milliseconds],
  max: ["maxMs", milliseconds],
} as const satisfies Record<string, Key>;

function retry(value: unknown, key: string, place: Place): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${key} is no table, such as { attempts = 3, base = "1s" }`);
  const unknown = unknownName(value, Object.keys(retryKeys));
  if (unknown !== undefined) throw new Error(`${key} ${unknown}`);
  const parts = Object.entries(value).map(([name, part]) => {
    const [option, reader] = (retryKeys as Readonly<Record<string, Key>>)[name] ?? [name];
    return [option, reader ? reader(part, `${key}.${name}`, place) : part] as const;
  });
  return Object.fromEntries(parts);
}

function folder(value: unknown, key: string, place: Place): string {
  if (typeof value !== "string") throw new Error(`${key} is no path in quotes`);
  return folderAt(value, key, place.folder);
}

/** A secret stands in the environment, and only the name of its variable in the file. */
function variable(value: unknown, key: string, { env }: Place): string {
  const found = typeof value === "string" ? env[value] : undefined;
  if (found) return found;
  throw new Error(`${key} names the variable ${JSON.stringify(value)}, which is not set`);
}

function command(value: unknown, key: string): readonly string[] {
  if (typeof value === "string") return splitCommand(value);
  if (Array.isArray(value) && value.every((word) => typeof word === "string")) return value;
  throw new Error(`${key} is neither a command line in quotes nor a list of its words`);
}

function output(value: unknown, key: string): unknown {
  if (value === "text" || value === "jsonl") return value;
  throw new Error(`${key} is ${JSON.stringify(value)}, not one of text, jsonl`);
}

function texts(value: unknown, key: string): unknown {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isTable && Object.values(value).every((text) => typeof text === "string")) return value;
  throw new Error(`${key} is no table of texts, such as { NAME = "value" }`);
}
