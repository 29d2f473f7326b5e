import type { RunId, SessionId, TaskId, WorkerId } from "#domain/id";
import { isOver, type RunRow } from "#domain/task/run";
import { type SessionRow, workerKey } from "#domain/worker/worker";
import type { Journal } from "./journal.js";

/** A Run that a worker holds. */
export interface Held {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly ordinal: number;
  /** True if the Run has ended and its worker has not released it. */
  readonly over: boolean;
}

/** A session with a free slot. */
export interface SessionWithRoom {
  readonly session: SessionRow;
  readonly held: number;
  readonly heldOf?: ReadonlyMap<string, number>;
  readonly heldTasks?: ReadonlySet<TaskId>;
  readonly lastOrdinal: number;
}

interface Place {
  row: SessionRow;
  readonly held: Map<RunId, Held>;
  /** The held Runs by agent, of the agents that announce a concurrency; undefined if none does. */
  readonly heldOf: Map<string, number> | undefined;
  lastOrdinal: number;
}

/** A worker session as the last commit left it, without changes of the turn in flight. */
export interface CommittedSession {
  readonly row: SessionRow;
  /** How many Runs its worker holds. */
  readonly held: number;
}

/**
 * The worker sessions of this node and the Runs that each holds. Used slots are derived from Run rows and not counted
 * separately. Every change goes through the turn's journal.
 */
export class Roster {
  readonly #places = new Map<SessionId, Place>();
  readonly #byWorker = new Map<string, SessionId>();
  /** The session that has each worker id: of one principal, however many sessions have had it. */
  readonly #owners = new Map<WorkerId, SessionId>();
  /** Sessions that the turn in flight has changed, as they were before it; undefined if they did not exist. */
  readonly #before = new Map<SessionId, CommittedSession | undefined>();

  get(session: SessionId): SessionRow | undefined {
    return this.#places.get(session)?.row;
  }

  /** The session of a worker of this principal. Workers of other principals with the same id are different workers. */
  of(principal: string, workerId: WorkerId): SessionRow | undefined {
    const session = this.#byWorker.get(workerKey(principal, workerId));
    return session && this.get(session);
  }

  /** The session that has a worker id, of whichever principal; undefined while the id is nobody's. */
  owner(workerId: WorkerId): SessionRow | undefined {
    const session = this.#owners.get(workerId);
    return session && this.get(session);
  }

  held(session: SessionId): ReadonlyMap<RunId, Held> {
    return this.#places.get(session)?.held ?? NONE;
  }

  /** Serving sessions with a free slot, each with its number of held Runs and its last ordinal. */
  withRoom(): SessionWithRoom[] {
    const found: SessionWithRoom[] = [];
    for (const { row, held, heldOf, lastOrdinal } of this.#places.values()) {
      if (row.state !== "serving" || held.size >= row.capacity) continue;
      const own = { session: row, held: held.size, lastOrdinal };
      const tasks = row.info.oneRunPerTask && { heldTasks: tasksOf(row, held) };
      found.push(heldOf || tasks ? { ...own, ...(heldOf && { heldOf }), ...tasks } : own);
    }
    return found;
  }

  rows(): SessionRow[] {
    return [...this.#places.values()].map(({ row }) => row);
  }

  get heldCount(): number {
    let count = 0;
    for (const { held } of this.#places.values()) count += held.size;
    return count;
  }

  /** All sessions as the last commit left them, in no order. */
  committed(): CommittedSession[] {
    const found: CommittedSession[] = [];
    for (const [id, place] of this.#places) if (!this.#before.has(id)) found.push(asCommitted(place));
    for (const session of this.#before.values()) if (session) found.push(session);
    return found;
  }

  /** How many Runs of an agent a session holds; 0 too where no agent of it announces a concurrency. */
  heldOf(session: SessionId, agentName: string): number {
    return this.#places.get(session)?.heldOf?.get(agentName) ?? 0;
  }

  /** True if the worker takes one Run of a Task at a time, and holds one of this Task, or may still execute one that it has lost. */
  hasItsRunOf(session: SessionId, taskId: TaskId): boolean {
    const place = this.#places.get(session);
    return place?.row.info.oneRunPerTask === true && tasksOf(place.row, place.held).has(taskId);
  }

  committedOf(session: SessionId): CommittedSession | undefined {
    if (this.#before.has(session)) return this.#before.get(session);
    const place = this.#places.get(session);
    return place && asCommitted(place);
  }

  /** Call after a commit or roll-back: makes the present sessions the committed ones. */
  turnEnded(): void {
    this.#before.clear();
  }

  attach(row: SessionRow, journal: Journal): void {
    this.#keepBefore(row.id);
    journal.set(this.#places, row.id, { row, held: new Map(), heldOf: countsFor(row), lastOrdinal: 0 });
    const key = workerKey(row.principal, row.info.workerId);
    const known = this.#byWorker.get(key);
    // A worker that may come back to what an older session of it holds, on a node that is gone, may be here already.
    if (row.state === "detached" && known && this.get(known)?.state !== "detached") return;
    journal.set(this.#byWorker, key, row.id);
    const owner = this.owner(row.info.workerId);
    if (!owner || owner.principal === row.principal) journal.set(this.#owners, row.info.workerId, row.id);
  }

  /** Removes a session with what it holds: its worker has a newer one on another node. */
  forget(session: SessionId, journal: Journal): void {
    const place = this.#places.get(session);
    if (place) this.#remove(place, journal);
  }

  /** Replaces a session's row. A session in state `gone` is removed once it holds no Run. */
  update(row: SessionRow, journal: Journal): void {
    const place = this.#places.get(row.id);
    if (!place) return;
    this.#keepBefore(row.id);
    const before = place.row;
    place.row = row;
    journal.changed(() => {
      place.row = before;
    });
    this.#forgetIfDone(place, journal);
  }

  /**
   * Updates held Runs from a changed Run row: the session in `heldBy` uses a slot for it, and no other session does.
   */
  follow(before: RunRow | undefined, after: RunRow, journal: Journal): void {
    if (before && before.heldBy !== "" && before.heldBy !== after.heldBy) {
      const place = this.#places.get(before.heldBy);
      if (place) {
        this.#keepBefore(before.heldBy);
        if (place.held.has(after.id)) countAgent(place, after.agentName, -1, journal);
        journal.delete(place.held, after.id);
        this.#forgetIfDone(place, journal);
      }
    }
    const place = after.heldBy === "" ? undefined : this.#places.get(after.heldBy);
    if (!place) return;

    this.#keepBefore(place.row.id);
    const { id: runId, taskId, ordinal } = after;
    if (!place.held.has(runId)) countAgent(place, after.agentName, 1, journal);
    journal.set(place.held, runId, { runId, taskId, ordinal, over: isOver(after.status) });
    if (ordinal > place.lastOrdinal) {
      const last = place.lastOrdinal;
      place.lastOrdinal = ordinal;
      journal.changed(() => {
        place.lastOrdinal = last;
      });
    }
  }

  /** Call before every change of a session; keeps its state as of the last commit. */
  #keepBefore(session: SessionId): void {
    if (this.#before.has(session)) return;
    const place = this.#places.get(session);
    this.#before.set(session, place && asCommitted(place));
  }

  #forgetIfDone(place: Place, journal: Journal): void {
    if (place.row.state === "gone" && place.held.size === 0) this.#remove(place, journal);
  }

  #remove(place: Place, journal: Journal): void {
    this.#keepBefore(place.row.id);
    journal.delete(this.#places, place.row.id);
    const key = workerKey(place.row.principal, place.row.info.workerId);
    if (this.#byWorker.get(key) === place.row.id) journal.delete(this.#byWorker, key);
    const { workerId } = place.row.info;
    if (this.#owners.get(workerId) === place.row.id) journal.delete(this.#owners, workerId);
  }
}

/** Empty counts, if an agent of the session announces how many Runs of it go on at once. */
function countsFor({ info }: SessionRow): Map<string, number> | undefined {
  return info.agents.some(({ announced }) => (announced?.concurrency ?? 0) > 0) ? new Map() : undefined;
}

function countAgent({ heldOf }: Place, agentName: string, by: 1 | -1, journal: Journal): void {
  if (heldOf) journal.count(heldOf, agentName, by);
}

function tasksOf({ info }: SessionRow, held: ReadonlyMap<RunId, Held>): ReadonlySet<TaskId> {
  return new Set([...[...held.values()].map(({ taskId }) => taskId), ...(info.lostTasks ?? [])]);
}

function asCommitted({ row, held }: Place): CommittedSession {
  return { row, held: held.size };
}

const NONE: ReadonlyMap<RunId, Held> = new Map();
