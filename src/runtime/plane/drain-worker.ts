import { type Caller, directsAll } from "#domain/caller";
import type { SessionId, WorkerId } from "#domain/id";
import { workerNotFound } from "#domain/refusals";
import type { Plane } from "#ports/plane";
import type { Core } from "../core.js";
import type { Supervisor } from "../supervisor.js";
import { ask } from "./ask.js";
import { workerElsewhere, workerView } from "./workers.js";

/**
 * `Plane.drainWorker`: assigns no more Runs to a worker. Resolves with the worker as the commit of this change left
 * it.
 */
export function drainWorker(supervisor: Supervisor): Plane["drainWorker"] {
  const { core } = supervisor;
  return async (caller, workerId, message) => {
    const owner = await ownerOf(core, caller, workerId);
    const drain = { type: "drain.worker", caller, owner, workerId, message } as const;
    const id = await ask<SessionId>(supervisor, "run-tracker", drain, 0);
    const session = core.memory.roster.committedOf(id);
    const view = session ? workerView(session, core) : await workerElsewhere(core, id);
    if (!view) throw workerNotFound(workerId);
    return view;
  };
}

/**
 * Whose worker it is: the caller's own, if it has one of this id or directs no others, and otherwise whoever's is connected.
 */
export async function ownerOf({ memory, store }: Core, caller: Caller, workerId: WorkerId): Promise<string> {
  const { principal } = caller;
  if (!directsAll(caller)) return principal;
  if (memory.roster.of(principal, workerId)) return principal;
  const here = memory.roster.owner(workerId);
  if (here || !store.nodes) return here?.principal ?? principal;
  const rows = await store.nodes.workersNamed(workerId);
  const owners = rows.map(({ session }) => session.principal);
  return owners.includes(principal) ? principal : (owners[0] ?? principal);
}
