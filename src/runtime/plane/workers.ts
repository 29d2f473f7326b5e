import { type Caller, mayUse } from "#domain/caller";
import type { SessionId } from "#domain/id";
import type { Pause } from "#domain/pause/pause";
import { later, millis } from "#domain/time/time";
import type { SessionRow, WorkerStatus, WorkerView } from "#domain/worker/worker";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { WorkerSeen } from "#ports/nodes";
import type { Plane } from "#ports/plane";
import type { Core } from "../core.js";
import type { CommittedSession } from "../memory/roster.js";
import type { Supervisor } from "../supervisor.js";

/** `Plane.workers`: the connected workers that the caller may see, as the last commit left them. */
export function workers({ core }: Supervisor): Plane["workers"] {
  return async (caller) => {
    const own = core.memory.roster
      .committed()
      .filter(({ row }) => isConnected(row) && maySee(row, caller))
      .map((session) => workerView(session, core));
    return core.store.nodes ? [...own, ...(await workersElsewhere(core, caller))] : own;
  };
}

/** A worker of another node by its session; undefined if it is not connected any more. */
export async function workerElsewhere(core: Core, id: SessionId): Promise<WorkerView | undefined> {
  for await (const { row, view } of seenElsewhere(core)) if (row.session.id === id) return view;
  return undefined;
}

async function workersElsewhere(core: Core, caller: Caller): Promise<WorkerView[]> {
  const found: WorkerView[] = [];
  for await (const { row, view } of seenElsewhere(core)) if (maySee(row.session, caller)) found.push(view);
  return found;
}

export interface SeenElsewhere {
  readonly row: WorkerRow;
  readonly view: WorkerView;
}

/** The workers that are connected to other nodes, as their rows say. */
export async function* seenElsewhere(core: Core): AsyncGenerator<SeenElsewhere> {
  const { store, node } = core;
  let page: readonly WorkerSeen[];
  let after: WorkerKey | undefined;
  do {
    page = (await store.nodes?.workers(after, limits.workerPage)) ?? [];
    after = page.at(-1)?.row.key;
    for (const { row, activeRuns, lastHeartbeatAt } of page) {
      if (row.node === node) continue;
      const { info, capacity, connectedAt } = row.session;
      const heardAt = later(connectedAt, millis(Math.max(0, lastHeartbeatAt - connectedAt)));
      const status = statusOf(row.session, activeRuns);
      const pause = pauseOf(row.session, core);
      yield { row, view: { info, status, activeRuns, capacity, lastHeartbeatAt: heardAt, pause } };
    }
  } while (page.length === limits.workerPage);
}

/** A worker session as clients see it. */
export function workerView({ row, held }: CommittedSession, core: Core): WorkerView {
  return {
    info: row.info,
    status: statusOf(row, held),
    activeRuns: held,
    capacity: row.capacity,
    lastHeartbeatAt: core.leases.lastHeard(row.id),
    pause: pauseOf(row, core),
  };
}

/** The pause of the worker itself; undefined if it is not paused. */
export function pauseOf({ principal, info }: SessionRow, { memory, clock }: Core): Pause | undefined {
  return memory.pauses.committed.current(clock.now()).ofWorker(principal, info.workerId);
}

function isConnected({ state }: SessionRow): boolean {
  return state !== "detached" && state !== "gone";
}

/** One that takes nothing is busy, though it may be with something of its own. */
function statusOf({ state, capacity }: SessionRow, held: number): WorkerStatus {
  if (state === "draining") return "DRAINING";
  if (state === "failing") return "ERROR";
  return held > 0 || capacity === 0 ? "BUSY" : "IDLE";
}

/**
 * A caller sees the workers of its own principal and those that serve a namespace of its own. A worker that names none serves all
 * that its principal may use, which is not known here: only who may use all namespaces sees it.
 */
export function maySee({ info, principal }: SessionRow, caller: Caller): boolean {
  if (principal === caller.principal || caller.namespaces === "*") return true;
  return info.namespaces.some((namespace) => mayUse(caller, namespace));
}
