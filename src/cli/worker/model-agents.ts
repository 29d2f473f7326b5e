import { statSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Agent,
  type ClaudeOptions,
  claudeAgent,
  type OpenaiOptions,
  openaiAgent,
  type PermissionMode,
} from "#worker/index";
import { checkOpenaiReady } from "#worker/openai/openai";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** The options of `worker` about an agent that asks a model. */
export interface ModelOptions {
  readonly model?: string;
  readonly baseUrl?: string;
  readonly workingDir?: string;
  readonly allowedTools?: readonly string[];
  readonly disallowedTools?: readonly string[];
  readonly permissionMode?: string;
}

/** Agents that ask a model, as `--agent` names them, with the options that are about each. */
const flagsOf = {
  claude: ["model", "workingDir", "allowedTools", "disallowedTools", "permissionMode"],
  openai: ["model", "baseUrl"],
} as const satisfies Record<string, readonly (keyof ModelOptions)[]>;

type ModelAgent = keyof typeof flagsOf;
export const modelAgents = Object.keys(flagsOf) as readonly ModelAgent[];

const flags: Readonly<Record<keyof ModelOptions, string>> = {
  model: "--model",
  baseUrl: "--base-url",
  workingDir: "--working-dir",
  allowedTools: "--allowed-tools",
  disallowedTools: "--disallowed-tools",
  permissionMode: "--permission-mode",
};

export function isModelAgent(name: string): name is ModelAgent {
  return (modelAgents as readonly string[]).includes(name);
}

/** @throws {CliError} `usage`, naming the option that is wrong, or what the agent lacks on this machine */
export function modelAgent(name: ModelAgent, options: ModelOptions, io: Io): Agent {
  try {
    return name === "claude"
      ? claudeAgent(claudeOptions(options, io))
      : readyOpenaiAgent(openaiOptions(options));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(exit.usage, `--agent ${name}: ${(cause as Error).message}`, [], cause);
  }
}

/** The agent, if this machine has what it needs: a worker that can only fail should not take tasks. */
export function readyOpenaiAgent(options: OpenaiOptions): Agent {
  const agent = openaiAgent(options);
  checkOpenaiReady(options);
  return agent;
}

function claudeOptions({ workingDir, permissionMode, ...rest }: ModelOptions, io: Io): ClaudeOptions {
  const { model, allowedTools, disallowedTools } = rest;
  return {
    ...(model !== undefined && { model }),
    ...(workingDir !== undefined && { workingDir: folderAt(workingDir, "--working-dir", io.cwd) }),
    ...(allowedTools !== undefined && { allowedTools }),
    ...(disallowedTools !== undefined && { disallowedTools }),
    ...(permissionMode !== undefined && { permissionMode: permissionMode as PermissionMode }),
  };
}

function openaiOptions({ model, baseUrl }: ModelOptions): OpenaiOptions {
  if (model === undefined) throw new CliError(exit.usage, "--agent openai needs --model, the name of one");
  return { model, ...(baseUrl !== undefined && { baseUrl }) };
}

/** The absolute path of a folder that must be there. @param given what the message begins with */
export function folderAt(path: string, given: string, from: string): string {
  const folder = resolve(from, path);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new CliError(exit.usage, `${given}: there is no folder ${folder}`);
}

/**
 * Refuses options about a model where they would have no effect, or could mean more than one agent.
 *
 * @param named the agents that `--agent` names
 * @throws {CliError} `usage`
 */
export function checkModelOptions(options: ModelOptions, named: readonly string[]): void {
  const given = (Object.keys(flags) as (keyof ModelOptions)[]).filter((name) => options[name] !== undefined);
  const asked = named.filter(isModelAgent);
  for (const name of given) {
    const meant = asked.filter((agent) => (flagsOf[agent] as readonly string[]).includes(name));
    if (meant.length === 1) continue;
    const several = "write the agents of several models in a file: see --config";
    const which = modelAgents
      .filter((agent) => (flagsOf[agent] as readonly string[]).includes(name))
      .join(" or ");
    const why = meant.length > 1 ? `may mean ${meant.join(" or ")}: ${several}` : `is about --agent ${which}`;
    throw new CliError(exit.usage, `${flags[name]} ${why}`);
  }
}
