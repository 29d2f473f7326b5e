import type { ModelBackend } from "#domain/task/run";
import { limits } from "#limits/index";
import type { Agent } from "./agent.js";
import { backendOf, labelsOf, textOf } from "./checks.js";
import { checkBackends, checkName } from "./definition.js";
import { kindOf } from "./kind-of.js";
import { policiesOf } from "./policies.js";

/** A checked copy of an agent, so that later changes cannot contradict what the server was told. */
export interface ServedAgent extends Agent {
  readonly backends: readonly ModelBackend[];
}

/**
 * Checks and copies a Worker's agents: a value that its hello cannot carry would keep it from connecting.
 *
 * @throws {RangeError} naming the agent and the part of it that is beyond a limit
 * @throws {TypeError} naming the agent and the part of it that is of the wrong kind
 */
export function servedAgents(agents: readonly Agent[]): ServedAgent[] {
  if (agents.length === 0) throw new RangeError("agents is empty: a worker without agents has nothing to do");
  if (agents.length > limits.agentsPerWorker) {
    throw new RangeError(
      `agents has ${agents.length} entries; a worker may have ${limits.agentsPerWorker}: start another one`,
    );
  }
  const served = agents.map(servedAgent);
  const names = new Set(served.map(({ name }) => name));
  if (names.size === served.length) return served;
  throw new RangeError("agents has two of the same name; tasks could not tell them apart");
}

function servedAgent(agent: Agent, index: number): ServedAgent {
  const here = `agents[${index}]`;
  if (typeof agent !== "object" || agent === null || typeof agent.perform !== "function") {
    throw new TypeError(`${here} is ${kindOf(agent)} that cannot perform: send what agent() gives`);
  }
  const name = textOf(agent.name, `${here}.name`);
  checkName(name);
  const of = `agent ${name}: `;
  const { description = "", labels = {}, backends = [] } = agent;
  checkBackends(backends, of);
  return {
    name,
    description: textOf(description, `${of}description`),
    labels: labelsOf(labels, `${of}labels`),
    backends: backends.map((backend, i) => backendOf(backend, `${of}backends[${i}]`)),
    ...policiesOf(agent, of),
    ...(agent.inputSchema && { inputSchema: agent.inputSchema }),
    perform: (inputJson, ctx) => agent.perform(inputJson, ctx),
  };
}
