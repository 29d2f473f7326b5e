/** The Worker SDK: define agents with `agent` or `execAgent`, and run them with `serve`. */
export {
  type Agent,
  type AgentDefinition,
  agent,
} from "./agent.js";
export type {
  AgentContext,
  AgentEvent,
  Backend,
  Speaker,
  StepContext,
  StepResults,
} from "./agent-context.js";
export { AgentError, type AgentErrorOptions, RunStopped, type StopCause } from "./agent-error.js";
export { repoReport, repoReportIn } from "./agents/repo-report.js";
export { supportTriage } from "./agents/support-triage.js";
export { aggregateBatches, type BatchTotals, type BatchWorkerResult } from "./aggregate.js";
export {
  type Batch,
  type Batches,
  type BatchesResult,
  createBatches,
  noBatches,
  splitIntoBatches,
} from "./batches.js";
export { splitCommand } from "./command.js";
export { createSteps, type DecisionResult, noBranches } from "./decisions.js";
export { type ExecOptions, execAgent } from "./exec.js";
export { type ServeOptions, serve, type WorkerHandle } from "./serve.js";
export type { BatchPart, CheckpointPart, CompensatePart } from "./step-input.js";
export type { Yielded } from "./yielded.js";
