/** Why a Task or Run has ended as it did, in UPPER_SNAKE; empty without a particular reason. */
export type Reason =
  | ""
  | "AGENT_ERROR"
  | "WORKER_LOST"
  | "TIMEOUT"
  | "CANCELLED"
  | "DECLINED"
  | "OUTPUT_LOST"
  | "OUTPUT_LIMIT"
  | "REPORT_INVALID"
  | "SCHEMA_LIMIT"
  | "SCHEMA_INVALID"
  | "STEP_FAILED"
  /** Deciding a message failed because of a bug of the server; its log has the error. */
  | "INTERNAL"
  /** The assignment does not fit into a message. */
  | "ASSIGNMENT_TOO_LARGE"
  /** The Step's `input` refers to something that is not there. */
  | "INPUT_UNMAPPED"
  | "YIELDED"
  | "DECLINE_LIMIT"
  | "YIELD_LIMIT"
  /** The Run has ended until something is over that its agent waits for. */
  | "SUSPENDED"
  /** The Step's journal has as much as it may. */
  | "JOURNAL_LIMIT"
  /** The Step's journal does not fit its agent's code any more. */
  | "JOURNAL_MISMATCH"
  /** A durable step that must be done once may have been done. */
  | "IN_DOUBT"
  /** What the Task may use is used up. */
  | "BUDGET_EXCEEDED";
