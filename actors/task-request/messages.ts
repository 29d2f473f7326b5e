import type { Caller } from "#domain/caller";
import type { TaskDraft, TaskRow } from "#domain/task";
import type { ActorLife, Stamped } from "../life.js";

/** What task-request can be told. */
export type TaskRequestMessage =
  /** client: create these, all in one commit. Twice with the same idempotency key is the same Task. */
  { readonly type: "submit"; readonly caller: Caller; readonly drafts: readonly TaskDraft[] };

export interface RequestFound {
  /** The Task that holds each draft's idempotency key, by draft. */
  readonly holders: readonly (TaskRow | undefined)[];
  /** PENDING Tasks, in all and by namespace. */
  readonly waiting: number;
  readonly waitingIn: Readonly<Record<string, number>>;
  /** Lanes by namespace, and those of the drafts that exist already. */
  readonly lanesIn: Readonly<Record<string, number>>;
  readonly knownLanes: readonly string[];
}

export type TaskRequestEvent = (TaskRequestMessage & Stamped & { readonly found: RequestFound }) | ActorLife;
