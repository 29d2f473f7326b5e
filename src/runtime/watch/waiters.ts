import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { taskNotFound } from "#domain/refusals";
import { later, type Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { EndedTask, TaskWait, WaitEnd, WaitSignal } from "#ports/task-wait";
import { RoundRobin } from "../nodes/round-robin.js";

/** What the waits of one Task have in common. */
interface Group {
  readonly waiters: Set<Waiter>;
  /** The last seq of its log of which another node has told; asked for again, a Task is answered only if it has grown. */
  seq: number;
}

/**
 * The requests that wait for the end of a Task. Each is one entry in a map, and is told after the commit in which its
 * Task ends: nothing is read or encoded for it before. Bounded in all and for each Task.
 */
export class Waiters {
  readonly #clock: Clock;
  readonly #groups = new Map<TaskId, Group>();
  readonly #turns = new RoundRobin(this.#groups);
  #count = 0;
  #closed: (() => Fault) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Begins to wait for a Task, which need not exist yet. Call `close` of the wait at the end.
   *
   * @throws {Fault} `overloaded` if too many wait, `unavailable` if the plane no longer serves
   */
  begin(taskId: TaskId): TaskWait {
    if (this.#closed) throw this.#closed();
    if (this.#count >= limits.waiters) throw tooMany(`${limits.waiters} requests wait for the end of a Task`);
    const waiter = new Waiter(this.#clock, (from, to) => this.#move(waiter, from, to), taskId);
    this.#join(waiter, taskId);
    return waiter;
  }

  /** How many Tasks are waited for. */
  get tasks(): number {
    return this.#groups.size;
  }

  /** Tasks that are waited for, with the last seq that is known of each. More than `most` take turns. */
  waiting(most: number): { readonly taskId: TaskId; readonly seq: number }[] {
    return this.#turns.page(most).map((taskId) => ({ taskId, seq: this.#groups.get(taskId)?.seq ?? 0 }));
  }

  /** Call when another node's commit has written the Task's log up to `seq`. */
  seen(taskId: TaskId, seq: number): void {
    const group = this.#groups.get(taskId);
    if (group) group.seq = Math.max(group.seq, seq);
  }

  /** True if a request waits for this Task. */
  has(taskId: TaskId): boolean {
    return this.#groups.has(taskId);
  }

  /** Call when a commit has ended the Task. */
  ended(end: EndedTask): void {
    this.#tell(this.#taken(end.task.id), { type: "ended", ...end });
  }

  /** Call when retention has removed the Task. */
  removed(taskId: TaskId): void {
    if (this.has(taskId)) this.#tell(this.#taken(taskId), taskNotFound(taskId));
  }

  /** Ends all waits with a fault, and refuses further ones with it. Only the first call counts. */
  close(fault: () => Fault): void {
    if (this.#closed) return;
    this.#closed = fault;
    const all = [...this.#groups.values()].flatMap(({ waiters }) => [...waiters]);
    this.#groups.clear();
    this.#tell(all, fault());
  }

  /** Removes all waits of a Task from the map: they are about to be told. */
  #taken(taskId: TaskId): readonly Waiter[] {
    const group = this.#groups.get(taskId);
    this.#groups.delete(taskId);
    return group ? [...group.waiters] : [];
  }

  /** Tells waits how they ended. Of many at a time a part in each iteration of the event loop: each makes an answer. */
  #tell(waiters: readonly Waiter[], outcome: WaitEnd | Fault): void {
    const { waitersAtOnce } = limits;
    for (const waiter of waiters.slice(0, waitersAtOnce)) waiter.tell(outcome);
    const others = waiters.slice(waitersAtOnce);
    if (others.length > 0) void this.#clock.yield().then(() => this.#tell(others, outcome));
  }

  #move(waiter: Waiter, from: TaskId, to: TaskId | undefined): void {
    const group = this.#groups.get(from);
    if (group?.waiters.delete(waiter) && group.waiters.size === 0) this.#groups.delete(from);
    this.#count -= 1;
    if (to !== undefined) this.#join(waiter, to);
  }

  #join(waiter: Waiter, taskId: TaskId): void {
    const group: Group = this.#groups.get(taskId) ?? { waiters: new Set(), seq: 0 };
    if (group.waiters.size >= limits.waitersPerTask) {
      throw tooMany(`${limits.waitersPerTask} requests wait for the end of task ${taskId}`);
    }
    group.waiters.add(waiter);
    this.#groups.set(taskId, group);
    this.#count += 1;
  }
}

/** One wait. It leaves the map as soon as it is told, or closed. */
class Waiter implements TaskWait {
  readonly #clock: Clock;
  /** Call to be moved to another Task, or to none. */
  readonly #move: (from: TaskId, to: TaskId | undefined) => void;
  #taskId: TaskId | undefined;
  #outcome: WaitEnd | Fault | undefined;
  #hear: ((outcome: WaitEnd | Fault) => void) | undefined;

  constructor(clock: Clock, move: (from: TaskId, to: TaskId | undefined) => void, taskId: TaskId) {
    this.#clock = clock;
    this.#move = move;
    this.#taskId = taskId;
  }

  /** Only the first outcome counts. */
  tell(outcome: WaitEnd | Fault): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.close();
    this.#hear?.(outcome);
  }

  follow(taskId: TaskId): void {
    const from = this.#taskId;
    if (from === undefined) return;
    this.#taskId = undefined;
    this.#move(from, taskId);
    this.#taskId = taskId;
  }

  ended(most: Millis, signal?: WaitSignal): Promise<WaitEnd> {
    return new Promise((resolve, reject) => {
      const gone = () => this.tell(new Fault("unavailable", "the caller no longer waits"));
      let cancelTimer = () => {};
      this.#hear = (outcome) => {
        cancelTimer();
        signal?.removeEventListener("abort", gone);
        if (outcome instanceof Fault) reject(outcome);
        else resolve(outcome);
      };
      if (this.#outcome !== undefined) return this.#hear(this.#outcome);
      if (signal?.aborted) return gone();
      signal?.addEventListener("abort", gone);
      cancelTimer = this.#clock.wakeAt(later(this.#clock.now(), most), () => this.tell({ type: "over" }));
    });
  }

  close(): void {
    const from = this.#taskId;
    this.#taskId = undefined;
    if (from !== undefined) this.#move(from, undefined);
  }
}

function tooMany(what: string): Fault {
  return new Fault("overloaded", `${what}, as many as may: nothing was stored; ask again a little later.`, {
    reason: "TOO_MANY_WAITERS",
    retryAfter: limits.retryAfter,
  });
}
