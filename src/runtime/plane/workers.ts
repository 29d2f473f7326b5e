import { type Caller, mayUse } from "#domain/caller";
import type { SessionRow, WorkerStatus, WorkerView } from "#domain/worker/worker";
import type { Plane } from "#ports/plane";
import type { Core } from "../core.js";
import type { CommittedSession } from "../memory/roster.js";
import type { Supervisor } from "../supervisor.js";

/** `Plane.workers`: the connected workers that the caller may see, as the last commit left them. */
export function workers({ core }: Supervisor): Plane["workers"] {
  return (caller) =>
    core.memory.roster
      .committed()
      .filter(({ row }) => isConnected(row) && maySee(row, caller))
      .map((session) => workerView(session, core));
}

/** A worker session as clients see it. */
export function workerView({ row, held }: CommittedSession, { leases }: Core): WorkerView {
  return {
    info: row.info,
    status: statusOf(row, held),
    activeRuns: held,
    capacity: row.capacity,
    lastHeartbeatAt: leases.lastHeard(row.id),
  };
}

function isConnected({ state }: SessionRow): boolean {
  return state !== "detached" && state !== "gone";
}

function statusOf({ state }: SessionRow, held: number): WorkerStatus {
  if (state === "draining") return "DRAINING";
  if (state === "failing") return "ERROR";
  return held > 0 ? "BUSY" : "IDLE";
}

/** A caller sees the workers of its own principal and those that serve a namespace of its own. */
function maySee({ info, principal }: SessionRow, caller: Caller): boolean {
  return principal === caller.principal || info.namespaces.some((namespace) => mayUse(caller, namespace));
}
