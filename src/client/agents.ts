import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { ListAgentsRequestSchema, WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import type { AnnouncedAgent } from "./agent-views.js";
import type { CallControl, Caller } from "./call.js";
import { toAnnouncedAgent } from "./convert.js";
import { TaskRunError } from "./error.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf, wrongArgument } from "./request.js";

/**
 * Selects agents of a list.
 *
 * @example
 * ```ts
 * import { type AgentFilter, createClient } from "taskrun/client";
 *
 * const filter: AgentFilter = { namespace: "billing" };
 * for await (const { name } of createClient().agents.list(filter)) console.log(name);
 * ```
 */
export interface AgentFilter {
  /** Only agents that take Tasks of this namespace. Default: the client's; if that has none, any that the caller may see. */
  readonly namespace?: string;
  /** Agents per page, at most 1 000. Default 100. */
  readonly pageSize?: number;
}

const agentFilterNames = namesOf<AgentFilter>({ namespace: true, pageSize: true });

/**
 * One page of a list of agents.
 *
 * @example
 * ```ts
 * import { type AgentPage, createClient } from "taskrun/client";
 *
 * const { agents, nextPageToken }: AgentPage = await createClient().agents.page({ pageSize: 50 });
 * console.log(agents.length, nextPageToken === "" ? "that is all" : "there are more");
 * ```
 */
export interface AgentPage {
  readonly agents: readonly AnnouncedAgent[];
  /** Pass it as `pageToken` to get the next page; empty on the last one. */
  readonly nextPageToken: string;
}

/**
 * Reads what Workers have announced of their agents, and which agents Steps wait for. Reached as `client.agents`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { agents } = createClient();
 * const { workers, slots, retry } = await agents.get("greet");
 * console.log(`${workers} workers with ${slots} slots; tried ${retry.attempts ?? 1} times`);
 * ```
 */
export class Agents {
  readonly #wire: Client<typeof WorkerService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(WorkerService, transport);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /** Returns one page, ordered by name and namespace. */
  async page(
    filter: AgentFilter & { readonly pageToken?: string } = {},
    control?: CallControl,
  ): Promise<AgentPage> {
    const selected = optionsOf(filter, "filter", [...agentFilterNames, "pageToken"]);
    const { namespace = this.#namespace, pageSize = 0, pageToken = "" } = selected;
    const request = requestOf(ListAgentsRequestSchema, { namespace, pageSize, pageToken });
    const { agents, nextPageToken } = await this.#caller.once(
      (o) => this.#wire.listAgents(request, o),
      control,
    );
    return { agents: agents.map(toAnnouncedAgent), nextPageToken };
  }

  /** Iterates over all agents, reading pages as needed. */
  async *list(filter: AgentFilter = {}, control?: CallControl): AsyncGenerator<AnnouncedAgent, void> {
    let pageToken = "";
    do {
      const page = await this.page({ ...optionsOf(filter, "filter", agentFilterNames), pageToken }, control);
      yield* page.agents;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /**
   * Returns one agent: as Workers of the namespace announce it, or Workers of all namespaces. `NOT_FOUND` if no Worker has
   * announced it and no Step waits for it.
   */
  async get(name: string, namespace = this.#namespace, control?: CallControl): Promise<AnnouncedAgent> {
    if (name === "") throw wrongArgument("name", "is empty: name the agent.");
    const request = requestOf(ListAgentsRequestSchema, { namespace, agentName: name });
    const { agents } = await this.#caller.once((o) => this.#wire.listAgents(request, o), control);
    const found = agents.toSorted((a, b) => b.workers - a.workers || (a.namespace < b.namespace ? 1 : -1))[0];
    if (found) return toAnnouncedAgent(found);
    const where = namespace === "" ? "" : ` in namespace "${namespace}"`;
    const text = `no worker has ever announced an agent "${name}"${where}, and no step waits for one`;
    throw new TaskRunError("NOT_FOUND", text, { reason: "AGENT_NOT_FOUND" });
  }
}
