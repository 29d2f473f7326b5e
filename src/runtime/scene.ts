import type { RunId, TaskId } from "#domain/id";
import type { Plans } from "#domain/plans";
import type { Schemas } from "#ports/schemas";
import type { Leases } from "./leases.js";
import type { Memory } from "./memory.js";
import type { Workspace } from "./workspace.js";

/** The turn's view of everything a message may want to see. */
export interface Scene {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly leases: Leases;
  readonly plans: Plans;
  readonly schemas: Schemas;
  /** Fresh Run ids for the scheduler. */
  readonly runIds: readonly RunId[];
  readonly newTaskId: () => TaskId;
}
