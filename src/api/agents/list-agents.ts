import { z } from "zod";
import type { AgentView } from "#domain/worker/agent";
import { limits } from "#limits/index";
import { agentBytes, inOnePage } from "../answer-size.js";
import type { CallerReads } from "../caller-reads.js";
import { pageRows, pageToken } from "../fields.js";
import { fromAgentToken, toAgentToken } from "../page-token.js";
import { readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";

/** An agent with the number of ready Steps that wait for it. */
export interface ListedAgent extends AgentView {
  readonly waiting: number;
}

/** A page of agents; `nextPageToken` is empty on the last page. */
export interface AgentPage {
  readonly agents: readonly ListedAgent[];
  readonly nextPageToken: string;
}

/** ListAgents: the agents that workers have announced, or Steps wait for, by page, ordered by name and namespace. */
export const listAgents = useCase({
  action: "agent.list",
  input: z.object({
    namespace: optionalName,
    agentName: optionalName,
    pageSize: z.number().transform(pageRows),
    pageToken: pageToken(fromAgentToken),
  }),
  answerBytes: limits.messageBytes,
  find: ({ namespace }, { caller }) => {
    const namespaces = namespace === "" ? caller.namespaces : [namespace];
    return { resource: { kind: "namespaces" as const, namespaces } };
  },
  perform: async (asked, request): Promise<AgentPage> => {
    const { caller } = request;
    const { plane } = request.services;
    const reads = readsOf(request);
    const { namespace, agentName, pageSize, pageToken: after } = asked;
    const rest = plane
      .agents(namespace === "" ? caller : { ...caller, namespaces: [namespace] })
      .filter(({ name }) => agentName === "" || name === agentName)
      .filter((agent) => after === undefined || isAfter(agent, after));
    const shown = inOnePage(rest.slice(0, pageSize), agentBytes);
    const last = shown.length < rest.length ? shown.at(-1) : undefined;
    return {
      agents: await Promise.all(shown.map((agent) => withWaiting(agent, reads))),
      nextPageToken: last ? toAgentToken(last) : "",
    };
  },
  hidden: (): AgentPage => ({ agents: [], nextPageToken: "" }),
});

function isAfter(agent: AgentView, { name, namespace }: Pick<AgentView, "name" | "namespace">): boolean {
  return agent.name > name || (agent.name === name && agent.namespace > namespace);
}

async function withWaiting(agent: AgentView, reads: CallerReads): Promise<ListedAgent> {
  const { lanes } = agent;
  const waiting = lanes.length === 0 ? 0 : await reads.countReady(lanes, limits.waitingCounted);
  return { ...agent, waiting };
}
