import type { RunId, SessionId, StepKey } from "#domain/id";
import type { Lane } from "#domain/lane";
import type { ReadyStep, StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { SessionRow } from "#domain/worker";
import type { ActorLife, Stamped } from "../life.js";

/** What the scheduler can be told. */
export type SchedulerMessage =
  /** runtime: last in a turn, if a Step is ready and a slot is free. */
  | { readonly type: "schedule" }
  /** itself: with the rows at hand, as many of these as may be loaded and sent now. */
  | { readonly type: "weigh"; readonly placements: readonly Placement[] }
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
  /** Runs it holds, ended ones it has not let go of included. */
  readonly held: number;
  /** The ordinal of its last assignment. */
  readonly lastOrdinal: number;
  /** Bytes that its transport has not taken yet. */
  readonly unsent: number;
}

/** A Step with its Task, and roughly what its assignment weighs. */
export interface PlacedRows {
  readonly step: StepRow;
  readonly task: TaskRow;
  readonly weight: number;
}

export interface SchedulerFound {
  readonly lanes: readonly LaneView[];
  readonly workers: readonly Slots[];
  /** Fresh ids, as many as Runs may be made now. */
  readonly runIds: readonly RunId[];
  /** Bytes that may still wait for the transports of all workers together. */
  readonly free: number;
  /** In the order of the placements; absent if there is no such row, or if it is not loaded in this turn. */
  readonly rows: readonly (PlacedRows | undefined)[];
}

export type SchedulerEvent = (SchedulerMessage & Stamped & { readonly found: SchedulerFound }) | ActorLife;
