/**
 * The client SDK: call `createClient({ addr })`, then use `client.tasks`, `client.workers`, `client.agents`,
 * `client.templates`, `client.deadLetters`, `client.pauses`, `client.usage`,
 * `client.nodes`, `client.authority` and `client.audit`.
 */
export type { AgentAnnouncement, AgentRetry, AnnouncedAgent } from "./agent-views.js";
export type { AgentFilter, AgentPage, Agents } from "./agents.js";
export type { Audit, AuditEntry, AuditFilter } from "./audit.js";
export type { AuthorityClient, AuthorityPhase, AuthorityState, RotateOptions } from "./authority.js";
export type { Budget, TopUpOptions } from "./budget.js";
export type { BulkBatch, BulkRequest } from "./bulk.js";
export type { CallControl } from "./call.js";
export { type ClientOptions, createClient, DEFAULT_ADDR, type TaskRunClient } from "./client.js";
export type {
  DeadLetter,
  DeadLetterPeriod,
  DeadLetterSnapshot,
  DeadLetterStats,
  TaskStaleness,
} from "./dead-letter-views.js";
export type { DeadLetterFilter, DeadLetters, DeadLetterUpdate, StalenessFilter } from "./dead-letters.js";
export type { EnrolledWorker, Enrollment, Invitation, InviteTerms } from "./enrollment.js";
export { type ErrorCode, TaskRunError } from "./error.js";
export type { FieldViolation } from "./error-details.js";
export type {
  AgentEvent,
  ChatMessage,
  JournalChange,
  ModelUse,
  OutputChunk,
  TaskEvent,
} from "./event-views.js";
export type {
  FailureCause,
  NextAction,
  StepExplanation,
  TaskExplanation,
  WorkerAnswer,
} from "./explanation-views.js";
export type { JournalPage, JournalRecord } from "./journal-views.js";
export type { Key, Keys, KeyTerms, NewKey, WatchToken } from "./keys.js";
export type { Nodes, PlaneNode } from "./nodes.js";
export type { Overview, QueueOverview, TaskRates } from "./overview-views.js";
export type { Pause, PauseKind, PauseOptions, PauseScope, Pauses } from "./pauses.js";
export type { TypedAgent, TypedRunArguments, TypedRunOptions, TypedWorkflow } from "./runnable.js";
export type { StepAuditEntry, StepAuditPage } from "./step-audit-views.js";
export type { StepPageOptions } from "./step-history.js";
export {
  type Created,
  type CreateTask,
  type ForkOptions,
  type Resolution,
  type ResultOptions,
  type RunOptions,
  TaskFailed,
  type TaskFilter,
  type TaskPage,
} from "./task-requests.js";
export type { Tasks } from "./tasks.js";
export type { Finding, Template, WholeTemplate } from "./template-views.js";
export type {
  Registered,
  TemplateFilter,
  TemplateName,
  TemplatePage,
  Templates,
  Validated,
} from "./templates.js";
export type { Usage, UsageClient, UsageKey, UsageQuery, UsageSum, UsageTotals } from "./usage.js";
export { hasEnded, inputOf, outputOf, type Run, type Step, type Task, type TemplateRef } from "./views.js";
export type { WatchOptions } from "./watch.js";
export type { Agent, Worker } from "./worker-views.js";
export type { WorkerFilter, Workers } from "./workers.js";
