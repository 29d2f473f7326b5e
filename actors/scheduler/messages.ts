import type { Caller } from "#domain/caller";
import type { RunId, SessionId, StepKey, TaskId } from "#domain/id";
import type { PauseScope } from "#domain/pause/pause";
import type { Lane } from "#domain/task/lane";
import type { ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";

/** What the scheduler can be told. */
export type SchedulerMessage =
  /** runtime: last in a turn, if a Step is ready and a slot is free. */
  | { readonly type: "schedule" }
  /** operator: give nothing of this to workers. Twice is as once; the later reason and time count. */
  | {
      readonly type: "pause";
      readonly caller: Caller;
      readonly scope: PauseScope;
      /** Why, for people. */
      readonly message: string;
      readonly until: Instant;
    }
  /** operator: give it to workers again. Twice is safe. */
  | { readonly type: "resume"; readonly caller: Caller; readonly scope: PauseScope }
  /** itself: with the rows at hand, as many of these as may be loaded and sent now. */
  | { readonly type: "weigh"; readonly placements: readonly Placement[] }
  /** itself: of these ready Steps those of a paused template leave the way of the others. */
  | { readonly type: "shelve"; readonly steps: readonly StepKey[] }
  /** itself: with what they are given at hand, make these Runs. A Step that has moved on is left out. */
  | { readonly type: "assign"; readonly placements: readonly Placement[] };

/** This Step to this worker, as this Run. */
export interface Placement extends StepKey {
  readonly session: SessionId;
  readonly runId: RunId;
  readonly namespace: string;
}

/** A lane and the head of its backlog, best rank first. */
export interface LaneView {
  readonly lane: Lane;
  readonly ready: readonly ReadyStep[];
}

/** A worker session with room. */
export interface Slots {
  readonly session: SessionRow;
  /** Runs it holds, ended ones that it has not released included. */
  readonly held: number;
  /** Of these, by agent: of the agents that announce how many they run at once; absent if none does. */
  readonly heldOf?: ReadonlyMap<string, number>;
  /** The Tasks of these Runs; absent unless it takes one Run of a Task at a time. */
  readonly heldTasks?: ReadonlySet<TaskId>;
  /** The ordinal of its last assignment. */
  readonly lastOrdinal: number;
  /** Bytes that its transport has not taken yet. */
  readonly unsent: number;
}

/** What the scheduler may give out in one turn, in slots and in bytes. */
export interface Offer {
  readonly workers: readonly Slots[];
  /** Bytes that may still wait for the transports of all workers together. */
  readonly free: number;
  /** Fresh ids, as many as Runs may be made. */
  readonly runIds: readonly RunId[];
}

export const NO_OFFER: Offer = { workers: [], free: 0, runIds: [] };

/** How many Runs each namespace has been given, counted only while it has work: the measure of fairness. */
export type Served = Readonly<Record<string, number>>;
