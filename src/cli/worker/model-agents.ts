import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Agent, type ClaudeOptions, claudeAgent, type PermissionMode } from "#worker/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** The options of `worker` about an agent that asks a model. */
export interface ModelOptions {
  readonly model?: string;
  readonly workingDir?: string;
  readonly allowedTools?: readonly string[];
  readonly disallowedTools?: readonly string[];
  readonly permissionMode?: string;
}

/** Agents that ask a model, as `--agent` names them. */
export const modelAgents = ["claude"] as const;
export type ModelAgent = (typeof modelAgents)[number];

export function isModelAgent(name: string): name is ModelAgent {
  return (modelAgents as readonly string[]).includes(name);
}

/** @throws {CliError} `usage`, naming the option that is wrong */
export function modelAgent(name: ModelAgent, options: ModelOptions, io: Io): Agent {
  try {
    return claudeAgent({ name, ...claudeOptions(options, io) });
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(exit.usage, `--agent ${name}: ${(cause as Error).message}`, [], cause);
  }
}

function claudeOptions(options: ModelOptions, io: Io): ClaudeOptions {
  const { model, workingDir, allowedTools, disallowedTools, permissionMode } = options;
  return {
    ...(model !== undefined && { model }),
    ...(workingDir !== undefined && { workingDir: folderAt(workingDir, "--working-dir", io) }),
    ...(allowedTools !== undefined && { allowedTools }),
    ...(disallowedTools !== undefined && { disallowedTools }),
    ...(permissionMode !== undefined && { permissionMode: permissionMode as PermissionMode }),
  };
}

/** The absolute path of a folder that must be there. @param given what the message begins with */
export function folderAt(path: string, given: string, { cwd }: Io): string {
  const folder = resolve(cwd, path);
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
  const flags = {
    "--model": options.model,
    "--working-dir": options.workingDir,
    "--allowed-tools": options.allowedTools,
    "--disallowed-tools": options.disallowedTools,
    "--permission-mode": options.permissionMode,
  };
  const [given] = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (given === undefined || named.filter(isModelAgent).length === 1) return;
  throw new CliError(exit.usage, `${given} is about an agent that asks a model: name one with --agent`, [
    `Write for example --agent ${modelAgents[0]} ${given} …`,
  ]);
}
