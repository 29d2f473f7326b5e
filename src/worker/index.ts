/** The worker SDK: describe agents, and serve them. */
export {
  type Agent,
  type AgentContext,
  type AgentDefinition,
  AgentError,
  type AgentEvent,
  agent,
  type Backend,
  RunStopped,
  type Speaker,
  type StopCause,
} from "./agent.js";
export { repoReport, repoReportIn } from "./agents/repo-report.js";
export { supportTriage } from "./agents/support-triage.js";
export { splitCommand } from "./command.js";
export { type ExecOptions, execAgent } from "./exec.js";
export { type ServeOptions, serve, type WorkerHandle } from "./serve.js";
