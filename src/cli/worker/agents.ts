import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Agent, execAgent, repoReport, splitCommand, supportTriage } from "#worker/index";
import { CliError, exit } from "../exit.js";
import { suggestion } from "../suggest.js";
import type { Io } from "../terminal/io.js";
import {
  checkModelOptions,
  isModelAgent,
  type ModelOptions,
  modelAgent,
  modelAgents,
} from "./model-agents.js";
import { agentsOfFile } from "./worker-file.js";

/** The built-in agents that need nothing else. */
export const builtIn: readonly Agent[] = [supportTriage, repoReport];

/** The options of `worker` that name its agents. */
export interface AgentSources extends ModelOptions {
  /** Names of built-in agents. */
  readonly agent?: readonly string[];
  /** `NAME=COMMAND`: a program whose stdout is text. */
  readonly exec?: readonly string[];
  /** `NAME=COMMAND`: a program whose stdout is JSON Lines. */
  readonly execJsonl?: readonly string[];
  /** Names of those programs that do durable steps. */
  readonly execSteps?: readonly string[];
  /** Files that export agents. */
  readonly module?: readonly string[];
  /** A file that describes agents. */
  readonly config?: string;
}

/**
 * Collects the agents that the options name; the built-in ones if there are none.
 *
 * @throws {CliError} `usage`, naming what cannot be loaded
 */
export async function gatherAgents(sources: AgentSources, io: Io): Promise<readonly Agent[]> {
  const { agent = [], exec = [], execJsonl = [], module = [], config } = sources;
  const steps = stepsOf(sources);
  checkModelOptions(sources, agent);
  const modules = await Promise.all(module.map((file) => fromModule(resolve(io.cwd, file))));
  const agents = [
    ...agent.map((name) => (isModelAgent(name) ? modelAgent(name, sources, io) : named(name))),
    ...exec.map((text) => program(text, "text", steps)),
    ...execJsonl.map((text) => program(text, "jsonl", steps)),
    ...modules.flat(),
    ...(config === undefined ? [] : agentsOfFile(config, io)),
  ];

  const names = agents.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new CliError(exit.usage, `there are two agents called ${twice}; rename one of them`);
  return agents.length > 0 ? agents : builtIn;
}

function named(name: string): Agent {
  const found = builtIn.find((agent) => agent.name === name);
  if (found) return found;
  const names = [...builtIn.map((agent) => agent.name), ...modelAgents];
  const others = "Programs are given as --exec NAME=COMMAND, agents of your own as --module FILE.";
  throw new CliError(exit.usage, `--agent: there is no built-in agent ${name}${suggestion(name, names)}`, [
    others,
  ]);
}

/** Which of the programs do durable steps. */
function stepsOf({ exec = [], execJsonl = [], execSteps = [] }: AgentSources): ReadonlySet<string> {
  const names = [...exec, ...execJsonl].map((text) => text.slice(0, Math.max(0, text.indexOf("="))));
  const none = execSteps.find((name) => !names.includes(name));
  if (none === undefined) return new Set(execSteps);
  throw new CliError(
    exit.usage,
    `--exec-steps: no --exec or --exec-jsonl is called ${none}${suggestion(none, names)}`,
  );
}

function program(text: string, output: "text" | "jsonl", steps: ReadonlySet<string>): Agent {
  const flag = output === "text" ? "--exec" : "--exec-jsonl";
  const at = text.indexOf("=");
  if (at < 1)
    throw new CliError(exit.usage, `${flag}: "${text}" is not NAME=COMMAND, for example shout="tr a-z A-Z"`);
  try {
    const name = text.slice(0, at);
    return execAgent({ name, command: splitCommand(text.slice(at + 1)), output, steps: steps.has(name) });
  } catch (cause) {
    throw new CliError(exit.usage, `${flag}: ${(cause as Error).message}`, [], cause);
  }
}

async function fromModule(path: string): Promise<readonly Agent[]> {
  const exported: Record<string, unknown> = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    throw new CliError(
      exit.usage,
      `--module: ${path} cannot be loaded: ${(cause as Error).message}`,
      [],
      cause,
    );
  });

  const agents = new Set(Object.values(exported).flat().filter(isAgent));
  if (agents.size > 0) return [...agents];
  const how = 'Make one with agent({ name, input, run }) from "taskrun/worker".';
  throw new CliError(exit.usage, `--module: ${path} exports no agent`, [how]);
}

function isAgent(value: unknown): value is Agent {
  if (typeof value !== "object" || value === null) return false;
  return (
    "name" in value &&
    typeof value.name === "string" &&
    "perform" in value &&
    typeof value.perform === "function"
  );
}
