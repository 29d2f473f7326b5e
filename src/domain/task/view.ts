import type { RunDetail } from "./run.js";
import type { StepSummary } from "./step.js";
import type { TaskRow } from "./task.js";

/** A Task as clients see it: its row, with as much of its input, Steps, Runs and results as fits into an answer. */
export interface TaskView {
  readonly task: TaskRow;
  /** JSON text, unchanged; empty if it is left out. */
  readonly input?: string;
  /** The result as JSON text; empty if there is none, or if it does not fit. */
  readonly output?: string;
  readonly steps?: readonly StepSummary[];
  /** Results of Steps by name, as JSON text; as many as fit. */
  readonly results?: ReadonlyMap<string, string>;
  readonly runs?: readonly RunDetail[];
}
