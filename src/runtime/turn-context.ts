import type { TaskId } from "#domain/id";
import type { Plans } from "#domain/plans";
import type { Leases } from "./leases.js";
import type { Memory } from "./memory.js";
import type { Offer } from "./offer.js";
import type { Verdicts } from "./verdicts.js";
import type { Workspace } from "./workspace.js";

/** The turn's view of everything a message may want to see. */
export interface TurnContext {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly leases: Leases;
  readonly plans: Plans;
  readonly verdicts: Verdicts;
  /** What the scheduler may give out in this turn; absent for others. */
  readonly offer?: Offer;
  readonly newTaskId: () => TaskId;
}
