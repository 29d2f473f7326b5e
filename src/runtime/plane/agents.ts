import { type Caller, mayUse } from "#domain/caller";
import type { Lane } from "#domain/task/lane";
import { type Instant, NEVER } from "#domain/time/time";
import {
  type AgentView,
  agentKey,
  decidingOf,
  type KnownAgent,
  NOTHING_ANNOUNCED,
} from "#domain/worker/agent";
import type { AgentPlane } from "#ports/plane";
import type { Core } from "../core.js";
import type { CommittedSession } from "../memory/roster.js";
import type { Supervisor } from "../supervisor.js";

/** The operations of the plane that tell about agents; all read memory, as the last commit left it. */
export function agentOperations({ core }: Supervisor): AgentPlane {
  const { agents } = core.memory;
  return {
    agent: (namespace, name) => agents.committedOf(namespace, name),
    agentNames: (namespace) => namesIn(agents.committed(), namespace),
    agents: (caller) => agentViews(core, caller),
  };
}

function* namesIn(known: Iterable<KnownAgent>, namespace: string): Iterable<string> {
  for (const agent of known) if (agent.namespace === "" || agent.namespace === namespace) yield agent.name;
}

function agentViews({ memory, leases }: Core, caller: Caller): AgentView[] {
  const serving = servingByAgent(memory.roster.committed());
  const lanes = byAgent(memory.backlog.lanes().filter((lane) => mayUse(caller, lane.namespace)));
  const known = [...memory.agents.committed()].filter(
    ({ namespace }) => namespace === "" || mayUse(caller, namespace),
  );
  return [...known, ...unannounced(known, lanes)]
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.namespace, b.namespace))
    .map((agent) => {
      const workers = (serving.get(agent.name) ?? []).filter(({ row }) =>
        serves(row.info.namespaces, agent.namespace),
      );
      const heard = workers.map(({ row }) => leases.lastHeard(row.id));
      const seenAt = agent.row?.seenAt ?? NEVER;
      return agentView(agent, workers, Math.max(seenAt, ...heard) as Instant, lanes);
    });
}

/** The agents that ready Steps wait for although no worker has announced them in the Steps' namespace. */
function unannounced(
  known: readonly KnownAgent[],
  lanes: ReadonlyMap<string, readonly Lane[]>,
): Iterable<KnownAgent> {
  const announced = new Set(known.map(agentKey));
  const found = new Map<string, KnownAgent>();
  for (const [name, own] of lanes) {
    if (announced.has(agentKey({ namespace: "", name }))) continue;
    for (const { namespace } of own) {
      const key = agentKey({ namespace, name });
      if (!announced.has(key)) found.set(key, { namespace, name, row: undefined, current: [] });
    }
  }
  return found.values();
}

function agentView(
  known: KnownAgent,
  workers: readonly CommittedSession[],
  seenAt: Instant,
  lanes: ReadonlyMap<string, readonly Lane[]>,
): AgentView {
  const { namespace, name, row, current } = known;
  const own = (lanes.get(name) ?? []).filter((lane) => namespace === "" || lane.namespace === namespace);
  return {
    namespace,
    name,
    description: row?.description ?? "",
    announced: decidingOf(known) ?? NOTHING_ANNOUNCED,
    isEnforced: current.length === 1 && current[0]?.announced.inputSchema !== "",
    workers: workers.length,
    slots: workers.reduce((sum, worker) => sum + slotsOf(worker, name), 0),
    seenAt,
    lanes: own.map(({ key }) => key),
  };
}

/** The sessions that take Runs, by each of their agents. */
function servingByAgent(sessions: readonly CommittedSession[]): Map<string, CommittedSession[]> {
  const found = new Map<string, CommittedSession[]>();
  for (const session of sessions) {
    if (session.row.state !== "serving") continue;
    // A hello may name an agent twice.
    const names = new Set(session.row.info.agents.map(({ name }) => name));
    for (const name of names) add(found, name, session);
  }
  return found;
}

function byAgent(lanes: readonly Lane[]): Map<string, Lane[]> {
  const found = new Map<string, Lane[]>();
  for (const lane of lanes) add(found, lane.agentName, lane);
  return found;
}

function add<Item>(lists: Map<string, Item[]>, name: string, item: Item): void {
  const list = lists.get(name);
  if (list) list.push(item);
  else lists.set(name, [item]);
}

/** A worker that names no namespace serves all of them. */
function serves(namespaces: readonly string[], namespace: string): boolean {
  return namespaces.length === 0 || namespaces.includes(namespace);
}

function slotsOf({ row: { info, capacity } }: CommittedSession, name: string): number {
  const concurrency = info.agents.find((agent) => agent.name === name)?.announced?.concurrency ?? 0;
  return concurrency > 0 ? Math.min(concurrency, capacity) : capacity;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
