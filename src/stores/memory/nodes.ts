import type { NodeId, RunId, SessionId, WorkerId } from "#domain/id";
import { NodeGone, type NodeInfo, type NodeState, type NodeView } from "#domain/node";
import { isOver, type RunRow } from "#domain/task/run";
import { isTerminal } from "#domain/task/task";
import { type Instant, later, type Millis, NEVER } from "#domain/time/time";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { NodeLease, NodeStore, Polled, PollQuery, WorkerSeen } from "#ports/nodes";
import type { MemoryStore } from "./store.js";
import { compare } from "./templates.js";

/** The row of a node. */
interface NodeRow extends NodeInfo {
  readonly startedAt: Instant;
  leaseUntil: Instant;
  isDraining: boolean;
  hasLeft: boolean;
  takenBy: NodeId | "";
  heard: ReadonlyMap<SessionId, Instant>;
}

/** The reference implementation of the nodes of a store, over the memory that they share. */
export class MemoryNodes implements Omit<NodeStore, "poll"> {
  readonly #whole: MemoryStore;
  readonly #now: () => Instant;
  readonly #nodes = new Map<NodeId, NodeRow>();
  /** The rows of workers, with when each was last written. */
  readonly #workers = new Map<WorkerKey, { readonly row: WorkerRow; readonly writtenAt: Instant }>();

  constructor(whole: MemoryStore, now: () => Instant) {
    this.#whole = whole;
    this.#now = now;
  }

  /** @throws {NodeGone} if the node may not write */
  check(id: NodeId): void {
    const node = this.#nodes.get(id);
    if (!node || isGone(node)) throw new NodeGone(id);
  }

  /** Call with the rows that a commit has written. */
  wrote(rows: readonly WorkerRow[]): void {
    for (const row of rows) this.#workers.set(row.key, { row, writtenAt: this.#now() });
  }

  async join(info: NodeInfo, lease: Millis): Promise<NodeLease> {
    const known = this.#nodes.get(info.id);
    if (known) return this.renew(info.id, lease, known.heard);
    const now = this.#now();
    const leaseUntil = later(now, lease);
    const fresh = { isDraining: false, hasLeft: false, takenBy: "", heard: new Map() } as const;
    this.#nodes.set(info.id, { ...info, ...fresh, startedAt: now, leaseUntil });
    return { now, until: leaseUntil };
  }

  async renew(id: NodeId, lease: Millis, heard: ReadonlyMap<SessionId, Instant>): Promise<NodeLease> {
    this.check(id);
    const node = this.#nodes.get(id) as NodeRow;
    const now = this.#now();
    node.leaseUntil = later(now, lease);
    node.heard = new Map(heard);
    return { now, until: node.leaseUntil };
  }

  async drain(id: NodeId): Promise<void> {
    const node = this.#nodes.get(id);
    if (node && this.#isLive(node)) node.isDraining = true;
  }

  async leave(id: NodeId): Promise<void> {
    const node = this.#nodes.get(id);
    if (node) node.hasLeft = true;
  }

  async list(): Promise<readonly NodeView[]> {
    const { held } = await this.#whole.boot();
    const isLast = (node: NodeView) => node.state === "lost" || node.state === "left";
    return [...this.#nodes.values()]
      .map((node) => this.#view(node, held))
      .sort((a, b) => Number(isLast(a)) - Number(isLast(b)) || b.startedAt - a.startedAt)
      .slice(0, limits.nodesListed);
  }

  /** @param nextDueAt of the deadlines that no process but the one that asks has claimed */
  async poll({ node, tasks, workers }: PollQuery, nextDueAt: Instant | undefined): Promise<Polled> {
    const { held, lanes, waiting, templates, agents, pauses } = await this.#whole.boot();
    const ready = new Set<string>();
    for (const { key } of lanes) if ((await this.#whole.reads.countReady([key], 1)) > 0) ready.add(key);
    const known = new Map(workers.map(({ key, revision }) => [key, revision]));
    return {
      now: this.#now(),
      alone: ![...this.#nodes.values()].some(
        ({ id, hasLeft, takenBy }) => id !== node && !hasLeft && !takenBy,
      ),
      tasks: await this.#moved(tasks),
      over: held
        .filter((run) => run.node === node && isOver(run.status))
        .sort((a, b) => compare(a.id, b.id))
        .slice(0, limits.pollRuns)
        .map(({ id: runId, taskId, heldBy }) => ({ runId, taskId, session: heldBy as SessionId })),
      workers: [...this.#workers.values()]
        .map(({ row }) => row)
        .filter(({ key, revision }) => known.has(key) && known.get(key) !== revision),
      dead: this.#dead(node, held),
      lanes: lanes.filter(({ key }) => ready.has(key)).slice(0, limits.pollLanes),
      nextDueAt,
      waiting,
      templates,
      agents,
      pauses,
    };
  }

  /** The nodes as one process sees them. @param nextDueAt of the deadlines that no other process has claimed */
  as(nextDueAt: () => Promise<Instant | undefined>): NodeStore {
    return {
      join: (info, lease) => this.join(info, lease),
      renew: (id, lease, heard) => this.renew(id, lease, heard),
      drain: (id) => this.drain(id),
      leave: (id) => this.leave(id),
      list: () => this.list(),
      poll: async (query) => this.poll(query, await nextDueAt()),
      takeOver: (dead, by) => this.takeOver(dead, by),
      runsOf: (node, after, limit) => this.runsOf(node, after, limit),
      workers: (after, limit) => this.workers(after, limit),
      workersNamed: (workerId) => this.workersNamed(workerId),
      removeGone: (age, limit) => this.removeGone(age, limit),
    };
  }

  async takeOver(dead: NodeId | "", by: NodeId): Promise<boolean> {
    this.check(by);
    const node = dead === "" ? undefined : this.#nodes.get(dead);
    if (!node || node.takenBy === by) return true;
    if (this.#isLive(node)) return false;
    if (node.takenBy !== "" && this.#isAtWork(node.takenBy)) return false;
    node.takenBy = by;
    return true;
  }

  async runsOf(node: NodeId | "", after: RunId | undefined, limit: number): Promise<readonly RunRow[]> {
    const { held } = await this.#whole.boot();
    return held
      .filter((run) => (run.node ?? "") === node && (after === undefined || run.id > after))
      .sort((a, b) => compare(a.id, b.id))
      .slice(0, limit);
  }

  async workersNamed(workerId: WorkerId): Promise<readonly WorkerRow[]> {
    const rows = [...this.#workers.values()].map(({ row }) => row);
    return rows.filter(
      (row) => row.session.info.workerId === workerId && isConnected(row) && this.#isAtWork(row.node),
    );
  }

  async workers(after: WorkerKey | undefined, limit: number): Promise<readonly WorkerSeen[]> {
    const { held } = await this.#whole.boot();
    return [...this.#workers.values()]
      .map(({ row }) => row)
      .filter((row) => this.#isAtWork(row.node) && isConnected(row))
      .filter(({ key }) => after === undefined || key > after)
      .sort((a, b) => compare(a.key, b.key))
      .slice(0, limit)
      .map((row) => ({
        row,
        activeRuns: held.filter(({ heldBy }) => heldBy === row.session.id).length,
        lastHeartbeatAt: this.#nodes.get(row.node)?.heard.get(row.session.id) ?? NEVER,
      }));
  }

  async removeGone(age: Millis, limit: number): Promise<number> {
    const { held } = await this.#whole.boot();
    const before = this.#now() - age;
    const named = new Set(held.map(({ node }) => node));
    const nodes = [...this.#nodes.values()]
      .filter((node) => !this.#isLive(node) && node.leaseUntil < before && !named.has(node.id))
      .slice(0, limit);
    for (const { id } of nodes) this.#nodes.delete(id);
    const workers = [...this.#workers.values()]
      .filter(({ row, writtenAt }) => writtenAt < before && !(isConnected(row) && this.#nodes.has(row.node)))
      .slice(0, limit);
    for (const { row } of workers) {
      this.#workers.delete(row.key);
      this.#whole.removeWorker(row.key);
    }
    return nodes.length + workers.length;
  }

  #view(node: NodeRow, held: readonly RunRow[]): NodeView {
    const { id, version, hostname, address, startedAt, leaseUntil, takenBy } = node;
    const rows = [...this.#workers.values()].map(({ row }) => row);
    return {
      ...{ id, version, hostname, address, startedAt, leaseUntil, takenBy },
      state: this.#stateOf(node),
      workers: rows.filter((row) => row.node === id && isConnected(row)).length,
      runs: held.filter((run) => run.node === id).length,
    };
  }

  #stateOf(node: NodeRow): NodeState {
    if (node.hasLeft) return "left";
    if (!this.#isLive(node)) return "lost";
    return node.isDraining ? "draining" : "live";
  }

  #isLive(node: NodeRow): boolean {
    return !isGone(node) && node.leaseUntil > this.#now();
  }

  #isAtWork(id: NodeId): boolean {
    const node = this.#nodes.get(id);
    return node !== undefined && this.#isLive(node);
  }

  #dead(own: NodeId, held: readonly RunRow[]): readonly (NodeId | "")[] {
    const named = new Set(held.map(({ node }) => node ?? ""));
    const isWanted = (node: NodeRow) => {
      if (node.id === own || this.#isLive(node)) return false;
      if (node.takenBy === "") return true;
      return named.has(node.id) && (node.takenBy === own || !this.#isAtWork(node.takenBy));
    };
    const dead: (NodeId | "")[] = [...this.#nodes.values()]
      .filter(isWanted)
      .sort((a, b) => a.leaseUntil - b.leaseUntil)
      .map(({ id }) => id);
    const unknown = [...named].filter((id) => id === "" || !this.#nodes.has(id));
    return [...unknown, ...dead].slice(0, limits.pollNodes);
  }

  async #moved(tasks: PollQuery["tasks"]): Promise<Polled["tasks"]> {
    const moved: { taskId: PollQuery["tasks"][number]["taskId"]; lastSeq: number; ended: boolean }[] = [];
    for (const { taskId, seq } of tasks) {
      const lastSeq = (await this.#whole.reads.logBounds(taskId))?.last ?? 0;
      const detail = await this.#whole.reads.task(taskId);
      const ended = detail !== undefined && isTerminal(detail.task.state);
      if (lastSeq !== seq || ended) moved.push({ taskId, lastSeq, ended });
    }
    return moved;
  }
}

/** True if it never writes again. */
function isGone({ hasLeft, takenBy }: NodeRow): boolean {
  return hasLeft || takenBy !== "";
}

function isConnected({ session: { state } }: WorkerRow): boolean {
  return state !== "detached" && state !== "gone";
}
