import type { WorkerId } from "../id.js";
import type { Instant } from "../time/time.js";

/** Why a Worker does not take a ready Step now, in UPPER_SNAKE; more may come. */
export const refusalCauses = [
  /** It does not run the agent. */
  "AGENT",
  /** It does not work for the namespace. */
  "NAMESPACE",
  /** It lacks a label of the Task's selector. */
  "LABELS",
  /** Its stream has ended; it is lost if it does not come back in time. */
  "GONE",
  "DRAINING",
  "FAILING",
  /** An operator has paused it. */
  "PAUSED",
  /** The Step has just been declined or lost there. */
  "AVOIDED",
  /** It holds as many Runs as it takes. */
  "SLOTS",
  /** It holds as many Runs of the agent as that one allows. */
  "AGENT_SLOTS",
  /** It takes one Run of a Task at a time, and holds one of this Task. */
  "TASK_HELD",
  /** It has not read what it was sent. */
  "UNREAD",
] as const;
export type RefusalCause = (typeof refusalCauses)[number];

/** What a Worker says to a ready Step. */
export interface WorkerAnswer {
  readonly workerId: WorkerId;
  /** Empty if nothing keeps it from taking the Step. */
  readonly cause: RefusalCause | "";
  /** For people; empty if the cause says it all. */
  readonly detail: string;
  /** When the cause ends by itself; {@link NEVER} if that is not known. */
  readonly until: Instant;
}
