/**
 * The typed client of a TaskRun control plane: `createClient({ addr })`, then `client.tasks`,
 * `client.workers` and `client.templates`.
 */
export type { CallControl } from "./call.js";
export { type ClientOptions, createClient, type TaskRunClient } from "./client.js";
export { type ErrorCode, TaskRunError } from "./error.js";
export type { FieldViolation } from "./error-details.js";
export {
  type Created,
  type CreateTask,
  type Resolution,
  type RunOptions,
  TaskFailed,
  type TaskFilter,
  type TaskPage,
  type Tasks,
} from "./tasks.js";
export type {
  Registered,
  TemplateFilter,
  TemplateName,
  TemplatePage,
  Templates,
  Validated,
} from "./templates.js";
export { DEFAULT_ADDR } from "./transport.js";
export {
  type Agent,
  type AgentEvent,
  type ChatMessage,
  type Finding,
  hasEnded,
  inputOf,
  type OutputChunk,
  outputOf,
  type Run,
  type Step,
  type Task,
  type TaskEvent,
  type Template,
  type TemplateRef,
  type WholeTemplate,
  type Worker,
} from "./views.js";
export type { WatchOptions } from "./watch.js";
export type { WorkerFilter, Workers } from "./workers.js";
