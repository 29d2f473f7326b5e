import type { SessionId } from "#domain/id";
import { workerNotFound } from "#domain/refusals";
import type { Plane } from "#ports/plane";
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
    const drain = { type: "drain.worker", caller, workerId, message } as const;
    const id = await ask<SessionId>(supervisor, "run-tracker", drain, 0);
    const session = core.memory.roster.committedOf(id);
    const view = session ? workerView(session, core) : await workerElsewhere(core, id);
    if (!view) throw workerNotFound(workerId);
    return view;
  };
}
