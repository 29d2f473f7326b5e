/** The Worker SDK: define agents with `agent` or `execAgent`, and run them with `serve`. */
export type { StandardSchema } from "#standard-schema/types";
export {
  type Agent,
  agent,
} from "./agent/agent.js";
export { aggregateBatches, type BatchTotals, type BatchWorkerResult } from "./agent/aggregate.js";
export {
  type Batch,
  type Batches,
  type BatchesResult,
  createBatches,
  noBatches,
  splitIntoBatches,
} from "./agent/batches.js";
export type {
  AgentContext,
  AgentEvent,
  Backend,
  Speaker,
  StepContext,
  StepResults,
} from "./agent/context.js";
export { createSteps, type DecisionResult, noBranches } from "./agent/decisions.js";
export type { AgentDefinition } from "./agent/definition.js";
export type {
  CalledAgent,
  CallOptions,
  ChildTask,
  ChildTemplate,
  Doubt,
  DoubtOutcome,
  DurableContext,
  Effect,
  SignalOptions,
  StepOptions,
  ToolOptions,
  UsageReport,
  Verify,
} from "./agent/durable.js";
export { AgentError, type AgentErrorOptions, RunStopped, type StopCause } from "./agent/error.js";
export type { AgentPolicies, AgentRetry } from "./agent/policies.js";
export type { BatchPart, CheckpointPart, CompensatePart } from "./agent/step-input.js";
export type { Yielded } from "./agent/yielded.js";
export { repoReport, repoReportIn } from "./agents/repo-report.js";
export { supportTriage } from "./agents/support-triage.js";
export { type ClaudeInput, type ClaudeResult, claudeAgent } from "./claude/claude.js";
export type { ClaudeOptions, PermissionMode } from "./claude/options.js";
export { splitCommand } from "./exec/command.js";
export { type ExecOptions, execAgent } from "./exec/exec.js";
export type { PromptInput } from "./models/prompt.js";
export { type OpenaiResult, openaiAgent } from "./openai/openai.js";
export type { OpenaiOptions } from "./openai/options.js";
export { type ModelTool, modelTool } from "./openai/tools.js";
export { type ServeOptions, serve, type WorkerHandle } from "./serve.js";
