import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import { Fault } from "#domain/fault";
import type { NodeId, RunId, SessionId } from "#domain/id";
import type { NodeInfo, NodeState } from "#domain/node";
import { type Instant, NEVER } from "#domain/time/time";
import { type WorkerKey, type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { PlaneAudit } from "#ports/audit";
import type { NodeLease, NodeStore, Polled, PollQuery } from "#ports/nodes";
import type { OwnNode } from "#ports/plane";
import type { Core } from "../core.js";
import { Membership } from "./membership.js";
import type { NodeHost, Others } from "./node-host.js";
import { Poller } from "./poller.js";
import { RoundRobin } from "./round-robin.js";
import { TakeOver } from "./take-over.js";

/** What of the supervisor the life of a node needs. */
type Host = Pick<NodeHost, "core" | "timers" | "followed" | "post" | "lanesHeard">;

/** As the last ordinal of a held set: the set says nothing about Runs that it does not name. */
const SAYS_NOTHING = -1;

/**
 * This node among others over one store: has its lease, asks what others have changed, and takes over from those that are gone.
 * Absent in a store of one process.
 */
export class NodeLife implements Others {
  readonly #host: Host;
  readonly #node: NodeId;
  readonly #membership: Membership;
  readonly #poller: Poller;
  readonly #takeOver: TakeOver;
  /** The revisions of the workers' rows that this node has followed; 0 of those that it has not. */
  readonly #known = new Map<WorkerKey, number>();
  readonly #turns = new RoundRobin(this.#known);
  /** Sessions of which run-tracker has not decided yet what the store said. */
  readonly #asked = new Set<string>();
  #since: Instant = NEVER;
  #alone = false;
  /** True if another node was heard after the last poll had begun. */
  #heardOther = false;
  #state: NodeState = "live";
  /** The version of the pauses here when the store was last asked. */
  #pausesAt = 0;

  constructor(info: NodeInfo, store: NodeStore, host: Host, gone: (error: Error) => void) {
    const { clock, telemetry, leases } = host.core;
    this.#host = host;
    this.#node = info.id;
    const lost = (error: Error) => {
      this.stopped(error);
      gone(error);
    };
    this.#membership = new Membership({
      info,
      store,
      clock,
      telemetry,
      heard: () => leases.heard(),
      gone: lost,
    });
    this.#poller = new Poller({
      ...{ store, clock, telemetry },
      query: () => this.#query(),
      polled: (answer) => this.#hear(answer),
    });
    this.#takeOver = new TakeOver({
      ...{ core: host.core, node: info.id, store },
      ask: (message) => this.#ask(message),
      arm: () => host.timers.arm(),
    });
  }

  /** Seconds for which this node goes on if its lease is not renewed. */
  get secondsLeft(): number {
    return this.#membership.secondsLeft;
  }

  /** This node as it sees itself. */
  get own(): OwnNode {
    return { id: this.#node, state: this.#state, leaseSeconds: Math.round(this.secondsLeft) };
  }

  /** By the last poll; false until the first one, and from a wake of another node to the next one. */
  get isAlone(): boolean {
    return this.#alone;
  }

  otherHeard(): void {
    this.#alone = false;
    this.#heardOther = true;
  }

  async join(): Promise<NodeLease> {
    const lease = await this.#membership.join();
    this.#since = lease.now;
    return lease;
  }

  /** Call when turns are taken. */
  start(): void {
    this.#membership.start();
    this.#poller.start();
  }

  /** Asks the store soon for what other nodes have changed. */
  poll(): void {
    this.#poller.soon();
  }

  drain(): void {
    this.#state = "draining";
    this.#membership.drain();
  }

  /** Call when nothing is decided any more. */
  async leave(): Promise<void> {
    this.#state = "left";
    this.#poller.stop();
    await this.#membership.leave();
  }

  /** Call when the plane has failed: workers must go to another node. */
  stopped(cause: Error): void {
    this.#state = "lost";
    this.#poller.stop();
    this.#membership.stop();
    const message = "this node has stopped; connect to another one";
    const fault = new Fault("unavailable", message, { reason: "NODE_GONE", cause });
    for (const sink of this.#host.core.leases.sinks()) {
      try {
        sink.close(fault);
      } catch {}
    }
  }

  #query(): PollQuery {
    this.#heardOther = false;
    this.#pausesAt = this.#host.core.memory.pauses.version;
    const here = new Set<WorkerKey>();
    for (const { principal, info } of this.#host.core.memory.roster.rows()) {
      here.add(workerRowKey(principal, info.workerId));
    }
    for (const key of this.#known.keys()) if (!here.has(key)) this.#known.delete(key);
    for (const key of here) if (!this.#known.has(key)) this.#known.set(key, 0);
    const asked = this.#turns.page(limits.pollWorkers);
    const workers = asked.map((key) => ({ key, revision: this.#known.get(key) ?? 0 }));
    const tasks = this.#host.followed.page(limits.pollTasks);
    return { node: this.#node, since: this.#since, tasks, workers };
  }

  /** Nothing of what is heard changes memory here: it becomes messages, or waits for the end of the turn. */
  #hear({ now, alone, over, workers, dead, nextDueAt, tasks, lanes, ...others }: Polled): void {
    const { core, followed, timers } = this.#host;
    this.#since = now;
    this.#alone = alone && !this.#heardOther;
    this.#cancel(over);
    for (const row of workers) this.#follow(row);
    this.#takeOver.begin(dead);
    if (nextDueAt !== undefined) timers.deadlineSet(nextDueAt);
    followed.heard(tasks);
    core.memory.heard({ ...others, pausesAt: this.#pausesAt });
    this.#host.lanesHeard(lanes, lanes.length < limits.pollLanes);
  }

  /** Runs that have ended elsewhere: their workers are told, as at a heartbeat, until they release them. */
  #cancel(over: Polled["over"]): void {
    const bySession = new Map<SessionId, RunId[]>();
    for (const { runId, session } of over) {
      const runIds = bySession.get(session);
      if (runIds) runIds.push(runId);
      else bySession.set(session, [runId]);
    }
    for (const [session, runIds] of bySession) {
      void this.#askOnce(`held ${session}`, {
        type: "held",
        session,
        held: { runIds, lastOrdinal: SAYS_NOTHING },
      });
    }
  }

  #follow(row: WorkerRow): void {
    const { roster } = this.#host.core.memory;
    const own = roster.of(row.session.principal, row.session.info.workerId);
    if (!own) return;
    const isDrained = row.drainReason === "" || own.state === "draining";
    if (row.session.id === own.id && isDrained) {
      this.#known.set(row.key, row.revision);
      return;
    }
    void this.#askOnce(`moved ${own.id}`, { type: "worker.moved", session: own.id });
  }

  async #askOnce(name: string, message: RunTrackerMessage): Promise<void> {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    try {
      await this.#ask(message);
    } catch {
      // Refused, or the mailbox is full: the next poll says it again.
    } finally {
      this.#asked.delete(name);
    }
  }

  /** As a client's request: it needs the newest rows, and whoever asks asks again. */
  #ask(message: RunTrackerMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answer = { resolve, reject };
      if (this.#host.post({ to: "run-tracker", message, source: "gateway", weight: 0, answer })) return;
      reject(new Fault("overloaded", "the mailbox of run-tracker is full"));
    });
  }
}

/** What a server is called, and says of itself: its id is drawn here, if the store has nodes. */
export function namesOfNode({
  store,
  entropy,
  node: self = { version: "", hostname: "", address: "" },
  audit,
}: NamingParts): Pick<Core, "node" | "self" | "audit"> {
  const node = store.nodes && (entropy.uuid() as NodeId);
  return { self, node, audit: audit?.(node) };
}

export interface AuditPart {
  /** Opens the audit log, whose chain has the name of the node. Default: there is none. */
  readonly audit?: PlaneAudit["open"];
}

interface NamingParts extends Pick<Core, "store" | "entropy">, AuditPart {
  readonly node?: Core["self"];
}

/** Undefined of a store of one process. */
export function nodeLifeOf(host: Host, gone: (error: Error) => void): NodeLife | undefined {
  const { store, node: id, self } = host.core;
  return store.nodes && id !== undefined ? new NodeLife({ id, ...self }, store.nodes, host, gone) : undefined;
}
