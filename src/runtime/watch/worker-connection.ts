import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import type { Asker } from "#bus/bus";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { SessionId, WorkerId } from "#domain/id";
import { workerIdTaken } from "#domain/refusals";
import { type HeartbeatReport, type HeldSet, reportBytes } from "#domain/task/report";
import { millis } from "#domain/time/time";
import type { AgentSpec, Hello } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { WorkerLink, WorkerReport, WorkerSink } from "#ports/plane";
import type { Core } from "../core.js";
import type { Timers } from "../timers/timers.js";
import type { Mail } from "../turn/turn.js";

export interface LinkParts {
  readonly core: Core;
  readonly timers: Timers;
  /** Called when a transport has written much of what was buffered for it. */
  readonly drained: () => void;
  /** False if the mailbox is full. */
  readonly post: (mail: Mail) => boolean;
  /** Resolves when run-tracker's mailbox has room. */
  readonly room: () => Promise<void>;
}

/** A lease lasts this factor longer than its terms say: a worker of ours has then stopped its Runs before it ends. */
const GRACE = 16 / 15;
/** As the last ordinal of a held set: the set says nothing about Runs that it does not name. */
const SAYS_NOTHING = -1;

/**
 * The plane's side of one worker stream. Heartbeats are answered here, on arrival, outside turns. Every other report is
 * posted as a message to run-tracker; `receive` waits while its mailbox is full.
 */
export class WorkerConnection implements WorkerLink {
  readonly #parts: LinkParts;
  readonly #caller: Caller;
  readonly #sink: WorkerSink;
  #session: SessionId | undefined;
  #hello: Hello | undefined;
  /** Bytes of output that were received and are not committed yet. */
  #undecided = 0;
  #closed = false;

  constructor(caller: Caller, sink: WorkerSink, parts: LinkParts) {
    this.#caller = caller;
    this.#sink = sink;
    this.#parts = parts;
  }

  async receive(report: WorkerReport): Promise<void> {
    if (this.#closed) return;
    if (report.type === "hello") return this.#openSession(report);
    const session = this.#session;
    if (session === undefined) {
      throw new Fault("invalid", "the first message of a worker stream must be hello", { field: "hello" });
    }
    this.#parts.core.leases.renew(session, this.#parts.core.clock.now());
    if (report.type === "heartbeat") return this.#beat(session, report);

    const bytes = reportBytes(report);
    // Credit is counted for output only, which a worker sends as fast as it may. Other reports are rare.
    const counted = report.type === "output" ? this.#onCredit(bytes) : undefined;
    const asker = { resolve: () => counted?.(), reject: (fault: Error) => this.#refused(fault, counted) };
    await this.#post({ type: "report", session, report, bytes }, bytes, asker);
  }

  drained(): void {
    if (!this.#closed) this.#parts.drained();
  }

  closed(): void {
    this.#closed = true;
    const session = this.#session;
    if (session === undefined) return;

    // The lease continues; run-tracker decides whether the session is still needed.
    this.#parts.core.leases.hangUp(session);
    void this.#post({ type: "closed", session }, 0);
  }

  async #openSession({ type: _, ...hello }: Extract<WorkerReport, { type: "hello" }>): Promise<void> {
    if (this.#session !== undefined) {
      throw new Fault("invalid", "a worker stream says hello once; open another stream to say it anew", {
        field: "hello",
      });
    }
    const { core, timers } = this.#parts;
    if (this.#mayBeElsewhere) await this.#checkOwner(hello.info.workerId);
    if (this.#closed) return;
    const session = core.entropy.uuid() as SessionId;
    const { lease, publicLease } = core.terms;
    const ttl = hello.protocol >= 1 ? millis(Math.ceil(lease * GRACE)) : publicLease;
    core.leases.open(session, this.#sink, ttl, core.clock.now());
    this.#session = session;
    this.#hello = hello;
    timers.arm();
    const failed = (fault: Error) => this.#endStream(session, fault);
    const answer = { resolve: () => {}, reject: failed };
    const { terms, memory } = core;
    const { incarnation, restored } = memory;
    const facts = { caller: this.#caller, hello, terms, incarnation, restored };
    await this.#post({ type: "hello", session, ...facts }, 0, answer);
  }

  /** False in a store of one process, and where nobody is asked for a credential: then all are one principal. */
  get #mayBeElsewhere(): boolean {
    return this.#parts.core.store.nodes !== undefined && this.#caller.principal !== LOCAL_CALLER.principal;
  }

  /**
   * Refuses a worker id that a worker of another principal has on another node. Of this node the turn knows better.
   */
  async #checkOwner(workerId: WorkerId): Promise<void> {
    const { principal } = this.#caller;
    const { store, audit } = this.#parts.core;
    const rows = (await store.nodes?.workersNamed(workerId)) ?? [];
    if (rows.every(({ session }) => session.principal === principal)) return;
    const object = `worker ${workerId}`;
    audit?.refused({ actor: principal, action: "worker.impersonate", object, detail: "WORKER_ID_TAKEN" });
    throw workerIdTaken(workerId);
  }

  /** A heartbeat that names another worker: a mistake, or, of somebody with a credential, a lie. */
  #impostor(workerId: string): Fault {
    const { principal } = this.#caller;
    const isLocal = principal === LOCAL_CALLER.principal;
    const said = this.#hello?.info.workerId;
    const object = `worker ${workerId}`;
    if (!isLocal) {
      const detail = `a heartbeat of worker ${said}`;
      this.#parts.core.audit?.refused({ actor: principal, action: "worker.impersonate", object, detail });
    }
    const message = `heartbeat.worker_id is "${workerId}", but hello said "${said}"`;
    return new Fault(isLocal ? "invalid" : "denied", message, { field: "heartbeat.worker_id" });
  }

  /** Ends the stream if the worker has spoken for another one. Its own Runs go on until its lease ends. */
  #refused(fault: Error, counted: (() => void) | undefined): void {
    counted?.();
    if (fault instanceof Fault && fault.code === "denied" && !this.#closed) this.#sink.close(fault);
  }

  /** Ends the stream of a session whose hello was refused. It never existed for the plane, so its lease is removed. */
  #endStream(session: SessionId, error: Error): void {
    this.#parts.core.leases.forget(session);
    this.#sink.close(error instanceof Fault ? error : new Fault("internal", error.message, { cause: error }));
  }

  async #beat(
    session: SessionId,
    { workerId, status, capacity, beat, held, agents, lostTasks }: HeartbeatReport,
  ): Promise<void> {
    if (workerId !== "" && workerId !== this.#hello?.info.workerId) throw this.#impostor(workerId);
    if (beat > 0) this.#sink.send({ type: "ack.heartbeat", beat });

    const { roster } = this.#parts.core.memory;
    const row = roster.get(session);
    if (!row) return; // its hello is still waiting to be decided
    const wanted = status === "ERROR" ? "failing" : status === "DRAINING" ? "draining" : "serving";
    const moved = row.state === "draining" || row.state === "detached" ? false : row.state !== wanted;
    const runs = agents && !haveSameNames(agents, row.info.agents) && { agents };
    const lost = lostTasks && !haveSame(lostTasks, row.info.lostTasks ?? []) && { lostTasks };
    const slots = capacity !== undefined && capacity !== row.capacity && { capacity };
    if (moved || runs || lost || slots) {
      await this.#post({ type: "worker.changed", session, status, ...slots, ...runs, ...lost }, 0);
    }
    // Memory may be ahead of the commit, so the cancels are not sent here but by a turn, from rows.
    const over = [...roster.held(session).values()].filter((run) => run.over).map(({ runId }) => runId);
    if (held && (over.length > 0 || this.#differs(session, held))) {
      await this.#post({ type: "held", session, held }, 0);
    } else if (over.length > 0) {
      await this.#post({ type: "held", session, held: { runIds: over, lastOrdinal: SAYS_NOTHING } }, 0);
    }
  }

  #differs(session: SessionId, { runIds, lastOrdinal }: HeldSet): boolean {
    const known = this.#parts.core.memory.roster.held(session);
    const named = new Set(runIds);
    return (
      runIds.some((runId) => !known.has(runId)) ||
      [...known.values()].some(({ runId, ordinal }) => ordinal <= lastOrdinal && !named.has(runId))
    );
  }

  /**
   * Counts output against the worker's credit until it is committed. A worker that exceeds its credit loses its stream;
   * its Runs continue, and it may reconnect. A public worker has no credit and is only read more slowly.
   *
   * @returns to be called when the output was decided
   * @throws {Fault} `overloaded` if the credit is exceeded
   */
  #onCredit(bytes: number): () => void {
    const allowed = limits.workerCreditBytes + limits.chunkBytes;
    if ((this.#hello?.protocol ?? 0) >= 1 && this.#undecided + bytes > allowed) {
      const message = `more than ${limits.workerCreditBytes} bytes were sent and not yet acknowledged`;
      throw new Fault("overloaded", message, { reason: "CREDIT_EXCEEDED", retryAfter: limits.retryAfter });
    }
    this.#undecided += bytes;
    return () => {
      this.#undecided -= bytes;
    };
  }

  async #post(message: RunTrackerMessage, weight: number, answer?: Asker): Promise<void> {
    const { core, timers, post, room } = this.#parts;
    const mail: Mail = { to: "run-tracker", message, source: "stream", weight, ...(answer && { answer }) };
    if (post(mail)) return;

    const session = this.#session as SessionId;
    core.leases.pause(session, true);
    do await room();
    while (!post(mail));
    core.leases.pause(session, false);
    core.leases.renew(session, core.clock.now());
    timers.arm();
  }
}

function haveSameNames(some: readonly AgentSpec[], others: readonly AgentSpec[]): boolean {
  return haveSame(some.map(nameOf), others.map(nameOf));
}

function nameOf({ name }: AgentSpec): string {
  return name;
}

function haveSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i]);
}
