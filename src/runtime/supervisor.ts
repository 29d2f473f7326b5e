import type { ActorName } from "#actors/commands";
import { Bus } from "#bus/bus";
import { Fault } from "#domain/fault";
import { Plans } from "#domain/graph/plans";
import type { SessionId } from "#domain/id";
import { noNamespaceLimits } from "#domain/namespace-limits";
import type { Lane } from "#domain/task/lane";
import { NO_PRICES } from "#domain/task/prices";
import { earliest, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import { noInspection } from "#ports/inspection";
import type { Committed } from "#ports/store";
import type { Core } from "./core.js";
import { ActorLives } from "./machines/actor-lives.js";
import { Actors, actorNames } from "./machines/actors.js";
import { dailyOutputOf } from "./memory/daily-output.js";
import { measure } from "./memory/measure.js";
import { Memory } from "./memory/memory.js";
import { FollowedTasks } from "./nodes/followed-tasks.js";
import { type NodeLife, namesOfNode, nodeLifeOf } from "./nodes/node-life.js";
import { NodeWakes } from "./nodes/node-wakes.js";
import type { SupervisorParts } from "./supervisor-parts.js";
import { ClockStarter } from "./timers/clock-start.js";
import { deadlineMail, lossMail, tellOfSilence } from "./timers/due-mail.js";
import { Leases } from "./timers/leases.js";
import { Timers } from "./timers/timers.js";
import { AwaitedVerdicts } from "./turn/awaited-verdicts.js";
import { ParkedMessages } from "./turn/parked.js";
import { perform } from "./turn/perform.js";
import { Publisher } from "./turn/publish.js";
import { RefusedTurns, refusalOf } from "./turn/refused-turns.js";
import { StoreError } from "./turn/store-error.js";
import { type Decided, type Mail, type Message, type PostedMail, Turn } from "./turn/turn.js";
import { UsageMetrics } from "./turn/usage-metrics.js";
import { expectWorkers } from "./watch/expected-workers.js";
import { outcomeUnknown, refuseWaiting, stopping } from "./watch/stopping.js";
import { TakeoverLog } from "./watch/takeovers.js";
import { TraceRecorder } from "./watch/trace-recorder.js";
import { Waiters } from "./watch/waiters.js";
import { Watchers } from "./watch/watchers.js";

export type { SupervisorParts } from "./supervisor-parts.js";

/**
 * The main loop. Takes messages from the mailboxes, has a turn decide and commit them, and performs the effects; one
 * turn is in flight at a time. Also boots from the store, drains, and decides whether a failure ends the process.
 *
 * Call `start` once, then `post`; call `stop` once at the end.
 */
export class Supervisor {
  readonly core: Core;
  readonly bus: Bus<ActorName, Message>;
  readonly timers: Timers;
  readonly watchers: Watchers;
  readonly waiters: Waiters;
  /** What is followed here of Tasks that other nodes may change. */
  readonly followed: FollowedTasks;
  readonly awaited: AwaitedVerdicts;
  /** Absent if nobody traces. */
  readonly traces: TraceRecorder | undefined;
  readonly clockStarter: ClockStarter;
  /** This node among others; undefined if the store is one process's. */
  readonly nodes: NodeLife | undefined;
  readonly #clock: Clock;
  readonly #onFatal: (error: Error) => void;
  readonly #refused: RefusedTurns;
  readonly #publisher: Publisher;
  readonly #lives: ActorLives;
  readonly #wakes: NodeWakes | undefined;
  #wantsSchedule = true;
  #serving = false;
  #loop: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #failed = false;

  constructor({ clock, onFatal, mailbox = limits.mailbox, acceptClock = false, ...others }: SupervisorParts) {
    const ports = { inspection: noInspection, ...others };
    const leases = new Leases();
    const limited = ports.namespaceLimits ?? noNamespaceLimits;
    const state = {
      leases,
      waitingTasks: limited.waitingTasks,
      prices: ports.prices ?? NO_PRICES,
      output: dailyOutputOf(limited.dailyOutput, { ...ports, clock }),
      memory: new Memory(ports.store.shared),
      parked: new ParkedMessages(),
      usageMetrics: new UsageMetrics(),
      takeovers: new TakeoverLog(),
      ...namesOfNode(ports),
    };
    this.core = { ...ports, ...state, clock, plans: new Plans(), actors: new Actors() };
    this.#clock = clock;
    this.#onFatal = onFatal;
    this.clockStarter = new ClockStarter(this.core, clock, acceptClock);
    const bounds = { count: mailbox, bytes: limits.mailboxBytes };
    this.bus = new Bus<ActorName, Message>(actorNames, bounds, () => this.#wake?.());
    this.awaited = new AwaitedVerdicts(this.core, this.bus);
    this.#refused = new RefusedTurns(this.core, this.bus);
    this.#publisher = new Publisher(this.core);
    this.#lives = new ActorLives(this.core.actors, this.#publisher);
    this.watchers = new Watchers(ports.store.reads);
    this.waiters = new Waiters(clock);
    this.followed = new FollowedTasks(this.watchers, this.waiters, ports.store.reads);
    const { tracing, log } = ports.telemetry;
    this.traces = tracing && new TraceRecorder({ tracing, reads: ports.store.reads, log });
    this.nodes = nodeLifeOf(this, (error) => this.#fatal(error));
    this.timers = new Timers(clock, ports.store, leases, {
      silent: (session) => tellOfSilence(session, this),
      deadline: (deadline, handled, delayed) => this.post(deadlineMail(deadline, handled, delayed)),
      schedule: () => this.schedule(),
      failed: (error) => {
        if (refusalOf(error)) return true;
        this.#fatal(error);
        return false;
      },
    });
    if (ports.broker) this.#wakes = new NodeWakes(ports.broker, this);
  }

  get serving(): boolean {
    return this.#serving;
  }

  /** Rebuilds memory from the store, then serves. */
  async start(): Promise<void> {
    const boot = await this.core.store.boot();
    const lease = await this.nodes?.join();
    await this.clockStarter.start(boot.at, lease?.now);
    await this.core.output?.start();
    this.traces?.started(boot.at);
    this.core.memory.restore(boot);
    expectWorkers(boot.held, this.core);
    this.core.memory.turnEnded();
    this.#publisher.open();
    this.#lives.tell({ type: "serve" });
    this.#serving = true;
    this.#loop = this.#serve().catch((error: unknown) => this.#fatal(error));
    if (boot.nextDueAt !== undefined) this.timers.deadlineSet(boot.nextDueAt);
    this.timers.arm();
    this.nodes?.start();
    void this.core.store.failed?.then((error) => this.#fatal(error));
    this.#wakes?.start();
  }

  /** Asks the store soon for what other nodes have changed. */
  poll(): void {
    this.nodes?.poll();
  }

  /** False if the mailbox is full; then nothing has happened. */
  post(mail: Mail): boolean {
    if (this.bus.post(mail)) return true;

    this.core.telemetry.count("taskrun_mailbox_refused_total", { actor: mail.to });
    this.#lives.full(mail.to);
    return false;
  }

  /** Requests a turn even if no message comes. Call when a Step or a slot may have become free without a message. */
  schedule(): void {
    this.#wantsSchedule = true;
    this.#wake?.();
  }

  /**
   * Call when other nodes may have left ready Steps in these lanes: undefined for any. Only of a shared store.
   *
   * @param all true if these are all lanes of the store
   */
  lanesHeard(lanes: readonly Lane[] | undefined, all = false): void {
    const { backlog } = this.core.memory;
    backlog.heard(lanes ?? backlog.lanes(), all);
    this.schedule();
  }

  /**
   * Call when a worker's transport has written much of what was buffered for it. Schedules again if a worker was passed
   * over because of unsent bytes.
   */
  drained(): void {
    const { leases } = this.core;
    if (!leases.hasDeferred) return;
    leases.hasDeferred = false;
    this.schedule();
  }

  /** Call when writing to a session's stream has failed. */
  readonly lost = (session: SessionId) => void this.post(lossMail(session));

  /** From now on new work is refused, and nothing waits. Messages already in the mailboxes are still decided. */
  drain(): void {
    this.nodes?.drain();
    this.#lives.tell({ type: "drain" });
    this.waiters.close(stopping);
  }

  /**
   * Resolves after the turn in flight and the messages in the mailboxes are done, or after the first turn that fails.
   * Messages that remain then are refused with `unavailable`.
   */
  async stop(): Promise<void> {
    this.#serving = false;
    this.timers.stop();
    this.waiters.close(stopping);
    this.#wake?.();
    await this.#loop;
    refuseWaiting(this);
    this.#lives.tell({ type: "stop" });
    await this.#wakes?.stop();
    await this.core.output?.stop();
    await this.nodes?.leave();
    await this.traces?.idle();
  }

  async #serve(): Promise<void> {
    while (this.#serving || !this.bus.isEmpty) {
      if (this.bus.isEmpty && !this.#wantsSchedule) await this.#somethingToDo();
      await this.#clock.yield();
      const posted = this.bus.take(this.#refused.alone ? 1 : limits.turnMessages, limits.turnBytes);
      this.#lives.easeAll(this.bus);
      if (posted.length > 0 || this.#wantsSchedule) await this.#takeTurn(posted);
      if (this.#refused.alone && !this.#serving) return;
    }
  }

  #somethingToDo(): Promise<void> {
    if (!this.#serving) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** Decides and commits one turn, then performs its effects. */
  async #takeTurn(posted: readonly PostedMail[]): Promise<void> {
    const { clock } = this.core;
    this.#wantsSchedule = false;
    const turn = new Turn(this.core);
    const began = clock.monotonic();
    let committed: Committed | undefined;
    let decidedAt: number;
    try {
      await turn.decide(posted);
      decidedAt = clock.monotonic();
      committed = await turn.commit();
    } catch (error) {
      turn.rollBack();
      this.core.memory.turnEnded();
      return this.#turnFailed(posted, error instanceof StoreError ? error.cause : error);
    }
    if (this.core.memory.turnEnded()) this.#wantsSchedule = true;
    const { decided } = turn;
    if (decided.lost === 0) this.#refused.passed();
    const committedAt = clock.monotonic();
    perform(decided, committed, this.core, this);
    if (this.#wakes && committed) this.#wakes.committed(decided.work, committed);
    this.#publisher.turn(decided);
    this.#lookAhead(decided);
    this.bus.giveBack(decided.left);
    this.awaited.ask(decided.undecided);
    const rows = committed && decided.work.changedRows;
    measure({ began, decidedAt, committedAt, messages: posted.length, rows }, this.core);
    if (decided.lost > 0) await this.#refused.lost(decided.left.slice(0, decided.lost), posted.length);
  }

  /** Passes what the turn made due later to the timers, and requests another turn if scheduling is unfinished. */
  #lookAhead({ work, at, moreToSchedule }: Decided): void {
    if (moreToSchedule) this.#wantsSchedule = true;
    for (const deadline of work.deadlines) if (deadline.at !== NEVER) this.timers.deadlineSet(deadline.at);
    const { backlog, pauses } = this.core.memory;
    this.timers.scheduleAt(earliest(backlog.nextAvoidEnd(at), pauses.present.nextEnd()));
  }

  /** Repeats the turn if the store is known to have written nothing; otherwise stops the plane. */
  async #turnFailed(posted: readonly PostedMail[], error: unknown): Promise<void> {
    const outcome = error instanceof Fault ? error.code : "failed";
    this.core.telemetry.count("taskrun_turns_total", { outcome });
    const refusal = refusalOf(error);
    if (!refusal) return this.#fatal(error, posted);
    this.#wantsSchedule = true;
    await this.#refused.refused(posted, refusal);
  }

  #fatal(error: unknown, posted: readonly PostedMail[] = []): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    // Called twice if the store reports its failure through `failed` and also rejects a call.
    if (!this.#failed) this.core.telemetry.log.error("the store has failed; the plane stops", { err: cause });
    this.#failed = true;
    const fault = outcomeUnknown(cause);
    for (const { envelope } of posted) envelope.answer?.reject(fault);
    this.waiters.close(() => fault);
    this.#serving = false;
    this.nodes?.stopped(cause);
    this.#refused.alone = true;
    this.timers.stop();
    refuseWaiting(this, cause);
    this.#wake?.();
    this.#onFatal(cause);
  }
}
