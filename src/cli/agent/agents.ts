import type { AnnouncedAgent } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ALL } from "../options.js";
import type { JsonOption } from "../task/task.js";
import { ago, duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

export interface AgentOptions extends ConnectionOptions, JsonOption {
  readonly namespace?: string;
}

/** `agent list`: prints the announced agents, and those that steps wait for. */
export async function listAgents(options: AgentOptions, io: Io): Promise<ExitCode> {
  const agents: AnnouncedAgent[] = [];
  await withClient(io, options, async (client) => {
    for await (const agent of client.agents.list(filterOf(options))) {
      if (options.json) await io.stdout.write(line(agent));
      else agents.push(agent);
    }
  });
  if (options.json) return exit.ok;
  if (agents.length > 0) await io.stdout.write(agentTable(agents, io));
  else {
    const none = "No worker has announced an agent, and no step waits for one";
    await io.stderr.write(`${none}; \`${io.self} worker\` starts a worker.\n`);
  }
  return exit.ok;
}

/** `agent get`. */
export async function getAgent(name: string, options: AgentOptions, io: Io): Promise<ExitCode> {
  const { namespace } = filterOf(options);
  const agent = await withClient(io, options, (client) => client.agents.get(name, namespace));
  await io.stdout.write(options.json ? document(agent) : described(agent, io));
  return exit.ok;
}

function filterOf({ namespace }: AgentOptions): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace: namespace === ALL ? "" : namespace };
}

function agentTable(agents: readonly AnnouncedAgent[], io: Io): string {
  const columns: Column<AnnouncedAgent>[] = [
    { title: "AGENT", cell: ({ name }) => name },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace || "(all)", least: 9 },
    { title: "WORKERS", cell: ({ workers }) => String(workers) },
    { title: "SLOTS", cell: ({ slots }) => String(slots) },
    { title: "WAITING", cell: waitingText },
    { title: "SEEN", cell: ({ lastSeenMs }) => (lastSeenMs === 0 ? "never" : ago(lastSeenMs, io.now())) },
    { title: "ATTEMPTS", cell: ({ retry }) => String(retry.attempts ?? "-"), optional: true },
    {
      title: "TIMEOUT",
      cell: ({ timeoutMs }) => (timeoutMs > 0 ? duration(timeoutMs) : "-"),
      optional: true,
    },
    { title: "SCHEMA", cell: schemaWord, optional: true },
    { title: "DESCRIPTION", cell: ({ description }) => description, least: 12, optional: true },
  ];
  return table(columns, agents, layoutWidth(io.stdout));
}

/** For people, a line for each thing that is announced, then the schema. */
function described(agent: AnnouncedAgent, io: Io): string {
  const { description, retry, timeoutMs, concurrency, inputSchemaJson, digest } = agent;
  const { attempts, backoff, baseMs, maxMs, only } = retry;
  const lines = [
    description,
    attempts === undefined ? "" : `attempts     ${attempts}`,
    backoff === undefined ? "" : `backoff      ${backoff}`,
    baseMs === undefined ? "" : `first delay  ${duration(baseMs)}`,
    maxMs === undefined ? "" : `most delay   ${duration(maxMs)}`,
    only.length === 0 ? "" : `only after   ${only.join(", ")}`,
    timeoutMs === 0 ? "" : `timeout      ${duration(timeoutMs)} for each attempt`,
    concurrency === 0 ? "" : `concurrency  ${concurrency} on each worker`,
    digest === "" ? "" : `digest       ${digest.slice(0, 12)}`,
  ].filter((text) => text !== "");
  const schema =
    inputSchemaJson === "" ? "" : `input, ${schemaWord(agent)}:\n${document(parsed(inputSchemaJson))}`;
  return `${agentTable([agent], io)}\n${lines.map((text) => `${oneLine(text)}\n`).join("")}${schema}`;
}

function waitingText({ waiting }: AnnouncedAgent): string {
  return waiting < limits.waitingCounted ? String(waiting) : `${waiting}+`;
}

function schemaWord({ inputSchemaJson, schemaEnforced }: AnnouncedAgent): string {
  if (inputSchemaJson === "") return "-";
  return schemaEnforced ? "enforced" : "not enforced";
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
