import { incarnationName, type Restoration } from "#domain/incarnation";
import { type Lane, laneOf, laneOfKey } from "#domain/task/lane";
import type { RunRow } from "#domain/task/run";
import { readyStep, type StepRow } from "#domain/task/step";
import { type TaskRow, taskStatus } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import type { Polled } from "#ports/nodes";
import type { BootState } from "#ports/store-turns";
import { type AgentChanges, AgentDirectory } from "./agents.js";
import { Backlog } from "./backlog.js";
import type { Journal } from "./journal.js";
import { PauseBook } from "./pauses.js";
import { Roster } from "./roster.js";

/** What a node asks of what others have committed, and keeps in memory. */
export interface HeardOfOthers extends Pick<Polled, "waiting" | "templates" | "agents" | "pauses"> {
  /** {@link PauseBook.version} when the store was asked. */
  readonly pausesAt: number;
}

/**
 * What the plane keeps in memory between turns: the heads of the lanes, worker sessions and the Runs they hold, and how
 * many Tasks wait. It is derived from rows, rebuilt at boot, and changed only through a journal.
 *
 * The turn in flight changes it before its commit. Readers outside turns (clients, gauges) use only the members named
 * `committed…`. Call {@link turnEnded} after every commit or roll-back.
 */
export class Memory {
  /** Names this start of the plane: a node, or the instant at which a plane that is alone has started, which no other start has. */
  incarnation = "";
  /** The restoration with which this life of the store began; undefined if it was never restored. */
  restored: Restoration | undefined;
  readonly backlog: Backlog;
  readonly roster = new Roster();
  readonly agents = new AgentDirectory();
  readonly pauses = new PauseBook();
  readonly #waiting = new Map<string, number>();
  readonly #templates = new Map<string, number>();
  #waitingTotal = 0;
  #committedWaiting = 0;
  #committedLanes = 0;
  #said: HeardOfOthers | undefined;

  /** @param shared true if other processes write the same store */
  constructor(shared = false) {
    this.backlog = new Backlog(shared);
  }

  /** Fills the memory at boot, once, when the start has its name. @param boot what the store holds */
  restore({ lanes, waiting, templates, agents, pauses, restored }: BootState): void {
    this.restored = restored;
    this.incarnation = incarnationName(this.incarnation, restored);
    this.agents.restore(agents);
    this.pauses.restore(pauses);
    for (const [namespace, count] of templates) this.#templates.set(namespace, count);
    this.backlog.restore(lanes);
    for (const [namespace, count] of waiting) {
      this.#waiting.set(namespace, count);
      this.#waitingTotal += count;
    }
    this.turnEnded();
  }

  /** What the store has said of other nodes' doings takes effect when the turn in flight has ended. */
  heard(said: HeardOfOthers): void {
    this.#said = said;
  }

  /**
   * Call after a commit or roll-back: makes the present values the committed ones.
   *
   * @returns true if something was heard by which another turn may assign what this one could not
   */
  turnEnded(): boolean {
    this.pauses.turnEnded();
    const hasNews = this.#said !== undefined && this.#catchUp(this.#said);
    this.roster.turnEnded();
    this.agents.turnEnded();
    this.#committedWaiting = this.#waitingTotal;
    this.#committedLanes = this.backlog.size;
    return hasNews;
  }

  /** Own commits since the store was asked are counted twice or not at all, until it is asked again. */
  #catchUp({ waiting, templates, agents, pauses, pausesAt }: HeardOfOthers): boolean {
    this.#said = undefined;
    this.agents.learn(agents);
    this.#waiting.clear();
    this.#waitingTotal = 0;
    for (const [namespace, count] of waiting) {
      this.#waiting.set(namespace, count);
      this.#waitingTotal += count;
    }
    for (const [namespace, count] of templates) this.#templates.set(namespace, count);
    return this.pauses.learn(pauses, pausesAt);
  }

  get waiting(): number {
    return this.#waitingTotal;
  }

  /** Waiting Tasks as of the last commit. */
  get committedWaiting(): number {
    return this.#committedWaiting;
  }

  get committedLanes(): number {
    return this.#committedLanes;
  }

  waitingIn(namespace: string): number {
    return this.#waiting.get(namespace) ?? 0;
  }

  /** How many template versions a namespace has. */
  templatesIn(namespace: string): number {
    return this.#templates.get(namespace) ?? 0;
  }

  addTemplate(namespace: string, journal: Journal): void {
    journal.count(this.#templates, namespace, 1);
  }

  /** A worker's session begins. Returns what is to be written of its agents. */
  attachWorker(session: SessionRow, at: Instant, journal: Journal): AgentChanges {
    this.roster.attach(session, journal);
    return this.agents.follow(undefined, session, at, journal);
  }

  followWorker(before: SessionRow, after: SessionRow, at: Instant, journal: Journal): AgentChanges {
    this.roster.update(after, journal);
    return this.agents.follow(before, after, at, journal);
  }

  followTask(before: TaskRow | undefined, after: TaskRow, journal: Journal): void {
    const by = Number(waits(after)) - Number(before !== undefined && waits(before));
    if (by === 0) return;

    journal.count(this.#waiting, after.namespace, by);
    this.#waitingTotal += by;
    journal.changed(() => {
      this.#waitingTotal -= by;
    });
  }

  /** Updates the backlog from a changed Step row. Returns the Step's lane if it is new. */
  followStep(before: StepRow | undefined, after: StepRow, task: TaskRow, journal: Journal): Lane | undefined {
    const leaves = before?.state === "enqueued" && (after.state !== "enqueued" || after.lane !== before.lane);
    if (leaves) this.backlog.remove(before.lane, readyStep(before), journal);
    if (after.state !== "enqueued" || (before?.state === "enqueued" && !leaves)) return undefined;

    const own = laneOf(task.namespace, after.agentName, task.spec.workerSelector);
    const lane = own.key === after.lane ? own : (laneOfKey(after.lane) ?? own);
    return this.backlog.add(lane, readyStep(after), journal) ? lane : undefined;
  }

  followRun(before: RunRow | undefined, after: RunRow, journal: Journal): void {
    this.roster.follow(before, after, journal);
  }
}

/** A Task waits until a Step of it is first assigned to a worker. */
function waits(task: TaskRow): boolean {
  return taskStatus(task) === "PENDING";
}
