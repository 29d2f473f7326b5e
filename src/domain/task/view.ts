import type { RunSummary } from "./run.js";
import type { StepSummary } from "./step.js";
import type { TaskRow } from "./task.js";

/** A Task as clients see it: its row, and as much of what lies beside it as an answer has room for. */
export interface TaskView {
  readonly task: TaskRow;
  /** JSON text, as it was given; empty where it is left out. */
  readonly input?: string;
  /** The result as JSON text; empty if there is none, or none that fits. */
  readonly output?: string;
  readonly steps?: readonly StepSummary[];
  /** Results of Steps by name, as JSON text; of as many as fit. */
  readonly results?: ReadonlyMap<string, string>;
  readonly runs?: readonly RunSummary[];
}
