import type { Run } from "./views.js";

/**
 * One thing that happened to a Step, as `tasks.stepAudit` returns it.
 *
 * @example
 * ```ts
 * import { createClient, type StepAuditEntry } from "taskrun/client";
 *
 * const line = ({ kind, actor, reason, run }: StepAuditEntry) => `${kind} by ${actor} ${run?.status ?? ""} ${reason}`;
 * const { entries } = await createClient().tasks.stepAudit("TASK_ID", "charge");
 * console.log(entries.map(line).join("\n"));
 * ```
 */
export interface StepAuditEntry {
  /** When; of a Run, when it was assigned. */
  readonly atMs: number;
  /** `RUN`, or what was done by hand, to the Step or to its whole Task. Newer servers may have more. */
  readonly kind:
    | "RUN"
    | "RESET"
    | "RESOLVED"
    | "COMPLETED"
    | "SIGNALLED"
    | "TASK_CANCELLED"
    | "TASK_RESOLVED"
    | "TOPPED_UP"
    | "TAKEN_OVER"
    | (string & {});
  /** Who did it: the principal of a caller; of a Run, the id of its Worker; of what a fork has taken over, its Task. */
  readonly actor: string;
  /** Why, as its actor said; of a Run, its reason for programs. */
  readonly reason: string;
  /** The Run, if it is one. */
  readonly run?: Run;
}

/**
 * A page of a Step's history, oldest first.
 *
 * @example
 * ```ts
 * import { createClient, type StepAuditPage } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * const first: StepAuditPage = await tasks.stepAudit("TASK_ID", "charge", { pageSize: 50 });
 * const second = await tasks.stepAudit("TASK_ID", "charge", { pageToken: first.nextPageToken });
 * ```
 */
export interface StepAuditPage {
  readonly entries: readonly StepAuditEntry[];
  /** Pass it as `pageToken` to get the next page; empty on the last one. */
  readonly nextPageToken: string;
  /** How many of the oldest actions by hand are no longer kept. */
  readonly droppedActions: number;
}
