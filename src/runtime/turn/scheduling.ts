import type { Answer } from "#actors/commands";
import type { LaneView, Offer } from "#actors/scheduler/messages";
import { isServed, mayTake } from "#actors/scheduler/placement";
import { type RunId, stepKey } from "#domain/id";
import type { Lane } from "#domain/task/lane";
import type { ReadyStep, StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import type { Core } from "../core.js";
import type { Journal } from "../memory/journal.js";
import { freeWorkers } from "../memory/offer.js";
import type { Change, Workspace } from "../memory/workspace.js";
import { type CascadeDecider, CascadeFailure } from "./containment.js";
import { endPauses } from "./pauses.js";
import type { RowLoader } from "./row-loader.js";
import { fromStore, StoreError } from "./store-error.js";

interface SchedulingParts {
  readonly core: Core;
  readonly journal: Journal;
  readonly work: Workspace;
  readonly loader: RowLoader;
  readonly cascades: CascadeDecider;
}

type Workers = Offer["workers"];

/** Assigns ready Steps in a cascade of its own, last in the turn, when all its Steps and slots are known. */
export class Scheduling {
  readonly #parts: SchedulingParts;
  /** Lanes whose pages this turn has read. */
  #lanesRead: readonly Lane[] = [];

  constructor(parts: SchedulingParts) {
    this.#parts = parts;
  }

  /**
   * Schedules; if this throws, rolls back this turn's assignments only. Returns true if the scheduler stopped at its bound
   * and could assign more.
   */
  async run(): Promise<boolean> {
    const { core, journal, work } = this.#parts;
    endPauses(core, work, journal);
    const mark = journal.mark();
    this.#lanesRead = [];
    let more = false;
    try {
      more = await this.#schedule();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      journal.rollBackTo(mark);
      this.#lanesRead = [];
      core.telemetry.log.error("scheduling failed", { err: error });
    }
    if (core.memory.backlog.shared) this.#leaveToOthers();
    this.#dropEmptyLanes();
    return more;
  }

  async #schedule(): Promise<boolean> {
    const { core, work, cascades } = this.#parts;
    const { memory, leases, entropy } = core;
    const { workers, free, deferred } = freeWorkers(memory, leases);
    leases.hasDeferred = deferred;
    await this.#readLanes(workers);
    if (workers.length === 0) return false;

    const ready = memory.backlog
      .views()
      .filter(({ lane }: LaneView) => isServed(lane, memory.pauses.present) && canBeTaken(lane, workers))
      .reduce((sum, view) => sum + view.ready.length, 0);
    const slots = slotsOf(workers);
    const count = Math.min(ready, slots, limits.turnAssignments);
    const unread = () =>
      this.#unread(this.#asNow(workers)).some((lane) => isServed(lane, memory.pauses.present));
    if (count === 0) return slots > 0 && unread();

    const before = work.changes.runs.length;
    const stepsBefore = work.changes.steps.length;
    const runIds = Array.from({ length: count }, () => entropy.uuid() as RunId);
    const offer = { workers, free, runIds };
    const outcome = await cascades.decide({ to: "scheduler", message: { type: "schedule" } }, offer);
    if (outcome instanceof CascadeFailure) await this.#assignOneByOne(outcome, offer);
    const made = work.changes.runs.length - before;
    // What was shelved has made room for what was behind it.
    if (work.changes.steps.slice(stepsBefore).some(isMoved)) return true;
    // A Step left out for want of bytes may fit another worker, but only after these assignments are sent: try again.
    if (isLeftOut(outcome) && made > 0) return true;
    if (memory.backlog.shared && (await this.#dropGone())) return true;
    return slots > made && (made === limits.turnAssignments || unread());
  }

  /**
   * Assigns the Steps one by one. A Step that cannot be assigned is ended, or its Task, and does not block the
   * others.
   */
  async #assignOneByOne({ deciding }: CascadeFailure, offer: Offer): Promise<void> {
    const { cascades } = this.#parts;
    const message = deciding.addressed?.message;
    if (message?.type !== "assign") return;
    for (const placement of message.placements) {
      const alone = { to: "scheduler", message: { type: "assign", placements: [placement] } } as const;
      const outcome = await cascades.decide(alone, offer);
      if (outcome instanceof CascadeFailure && outcome.culprit) await cascades.end(outcome.culprit, alone);
    }
  }

  /**
   * Reads pages that are used up: of lanes from which a worker could take, and of lanes that Steps have left in this
   * turn.
   */
  async #readLanes(workers: Workers): Promise<void> {
    const { core, work } = this.#parts;
    const { backlog } = core.memory;
    if (backlog.shared) this.#catchUp();
    const unread = this.#unread(workers);
    if (unread.length === 0) return;

    const left = new Set(backlog.shared ? [] : work.changes.steps.map(({ before }) => before?.lane));
    const { present } = core.memory.pauses;
    const served = unread.filter((lane) => isServed(lane, present));
    const useful = workers.length > 0 ? served.slice(0, limits.turnLanes) : [];
    this.#lanesRead = [...new Set([...unread.filter(({ key }) => left.has(key)), ...useful])];
    for (const lane of this.#lanesRead) await this.#readLane(lane, workers);
  }

  #catchUp(): void {
    const { core, journal, work } = this.#parts;
    const waitedIn = work.lanesWithReady();
    const isNeeded = (lane: Lane) => waitedIn.has(lane.key) || this.#hasTaker(lane);
    core.memory.backlog.catchUp(core.clock.monotonic(), isNeeded, journal);
  }

  /** True if a worker that is connected to this node could take from the lane, if it had room. */
  #hasTaker(lane: Lane): boolean {
    const sessions = this.#parts.core.memory.roster.rows();
    return sessions.some((session) => session.state === "serving" && mayTake(session, lane));
  }

  /** The workers with what they hold after this turn's assignments, if which Tasks' Runs they hold matters. */
  #asNow(workers: Workers): Workers {
    const { memory, leases } = this.#parts.core;
    return workers.some(({ heldTasks }) => heldTasks) ? freeWorkers(memory, leases).workers : workers;
  }

  /**
   * Of a shared store no more than can be assigned now: what is claimed here is given to nobody else. Beyond what the page has and nobody
   * can take yet.
   */
  async #readLane(lane: Lane, workers: Workers): Promise<void> {
    const { core, journal, loader } = this.#parts;
    const { backlog } = core.memory;
    const takers = takersOf(lane, workers);
    const wanted = backlog.pageLength(lane.key) + slotsOf(takers);
    const most = backlog.shared ? Math.min(limits.lanePage, wanted) : limits.lanePage;
    const until = core.clock.monotonic() + limits.claimLease;
    const ready = await fromStore(core.store.ready(lane.key, most));
    const page = loader.corrected(lane, ready);
    backlog.refill(lane.key, page, ready.length < most, journal);
    if (backlog.shared) backlog.claim(lane.key, ready, until, journal);
  }

  /**
   * Lanes whose pages are used up, or have only Steps of Tasks of which every worker that could take them holds its one Run; of a
   * shared store those from which a worker of this node can take.
   */
  #unread(workers: Workers): Lane[] {
    const { backlog } = this.#parts.core.memory;
    const unread = workers.some(({ heldTasks }) => heldTasks)
      ? backlog.unread((lane, page) => isStuck(page, takersOf(lane, workers)))
      : backlog.unread();
    return backlog.shared ? unread.filter((lane) => canBeTaken(lane, workers)) : unread;
  }

  /**
   * Removes Steps from the backlog that have left their lane elsewhere, as their rows say. True if there were any. The store has
   * named them as ready, so their rows are read anew first: a cached one may be from before they came into the lane, and since
   * nothing is written by it no commit would find that out.
   */
  async #dropGone(): Promise<boolean> {
    const { core, journal, work, loader } = this.#parts;
    const { backlog } = core.memory;
    const isGone = (step: ReadyStep) => {
      const row = work.peekStep(step);
      return row !== undefined && (row.state !== "enqueued" || row.lane !== step.lane);
    };
    const steps = backlog.views().flatMap(({ ready }) => ready.filter(isGone));
    if (steps.length === 0) return false;

    work.forget(steps.map((step) => ({ kind: "steps", id: stepKey(step) })));
    loader.forget(true);
    await loader.loadMissing({ steps });
    backlog.dropIf(isGone, journal);
    return true;
  }

  /** Ready Steps that were not assigned and are not claimed here stay in the store only, for any node. */
  #leaveToOthers(): void {
    const { core, journal, work } = this.#parts;
    const { backlog } = core.memory;
    backlog.keepClaimed(core.clock.now(), journal);
    for (const key of work.lanesWithReady()) {
      const lane = backlog.laneOf(key);
      if (lane) work.lanes.add(lane);
    }
  }

  #dropEmptyLanes(): void {
    const { core, journal, work } = this.#parts;
    const { backlog } = core.memory;
    const lanes = new Set<string>();
    for (const { before, after } of work.changes.steps) {
      if (before) lanes.add(before.lane);
      lanes.add(after.lane);
    }
    for (const { key } of this.#lanesRead) lanes.add(key);
    for (const lane of lanes) if (lane !== "" && backlog.drop(lane, journal)) work.lanes.remove(lane);
    if (backlog.shared) this.#leaveForeignLanes();
  }

  /** Of a lane from which no worker here can take nobody here finds out whether it is empty: the store does. */
  #leaveForeignLanes(): void {
    const { core, journal, work } = this.#parts;
    const { backlog } = core.memory;
    const waitedIn = work.lanesWithReady();
    for (const { before } of work.changes.steps) {
      const lane = before?.state === "enqueued" ? backlog.laneOf(before.lane) : undefined;
      if (!lane || waitedIn.has(lane.key) || this.#hasTaker(lane)) continue;
      if (backlog.leave(lane.key, journal)) work.lanes.remove(lane.key);
    }
  }
}

function takersOf(lane: Lane, workers: Workers): Workers {
  return workers.filter(({ session }) => mayTake(session, lane));
}

/** True if each of the Steps is of a Task of which each of the workers has a Run, and takes no other. */
function isStuck(page: readonly ReadyStep[], takers: Workers): boolean {
  return (
    takers.length > 0 && page.every(({ taskId }) => takers.every(({ heldTasks }) => heldTasks?.has(taskId)))
  );
}

function canBeTaken(lane: Lane, workers: Workers): boolean {
  return workers.some(({ session }) => mayTake(session, lane));
}

function slotsOf(workers: Workers): number {
  return workers.reduce((sum, { session, held }) => sum + session.capacity - held, 0);
}

function isLeftOut(outcome: Answer | CascadeFailure | undefined): boolean {
  return outcome !== undefined && !(outcome instanceof CascadeFailure) && outcome.type === "scheduled";
}

/** True of a ready Step that waits in another lane now. */
function isMoved({ before, after }: Change<StepRow>): boolean {
  return before?.state === "enqueued" && after.state === "enqueued";
}
