import type { AgentFilter } from "./agents.js";
import type { CallControl } from "./call.js";
import type { ClientOptions } from "./client.js";
import type { CreateTask, ResultOptions, RunOptions, TaskFilter } from "./task-requests.js";
import type { TemplateFilter } from "./templates.js";
import type { WatchOptions } from "./watch.js";
import type { WorkerFilter } from "./workers.js";

/**
 * The names that options may have: any other would have no effect, although its author expects one. Each list is complete,
 * because its type demands every name.
 */
type Names<Options> = Readonly<Record<keyof Options & string, true>>;

function namesOf<Options>(names: Names<Options>): readonly (keyof Options & string)[] {
  return Object.keys(names) as (keyof Options & string)[];
}

export const clientNames = namesOf<ClientOptions>({ addr: true, namespace: true, timeoutMs: true });
export const controlNames = namesOf<CallControl>({ signal: true, timeoutMs: true, traceparent: true });
export const retryNames = [...controlNames, "idempotencyKey"] as const;
export const runNames = namesOf<RunOptions>({
  signal: true,
  onEvent: true,
  onLost: true,
  traceparent: true,
});
export const resultNames = namesOf<ResultOptions>({
  wait: true,
  signal: true,
  timeoutMs: true,
  traceparent: true,
});
export const watchNames = namesOf<WatchOptions>({
  afterSeq: true,
  signal: true,
  failuresMax: true,
  onLost: true,
});

export const taskNames = namesOf<CreateTask>({
  agent: true,
  template: true,
  input: true,
  inputJson: true,
  createdBy: true,
  labels: true,
  idempotencyKey: true,
  priority: true,
  timeoutMs: true,
  maxAttempts: true,
  maxLosses: true,
  namespace: true,
  workerSelector: true,
  correlationId: true,
  startAtMs: true,
});

export const taskFilterNames = namesOf<TaskFilter>({
  status: true,
  agent: true,
  namespace: true,
  labels: true,
  idPrefix: true,
  pageSize: true,
});
export const agentFilterNames = namesOf<AgentFilter>({ namespace: true, pageSize: true });
export const templateFilterNames = namesOf<TemplateFilter>({ namespace: true, name: true, pageSize: true });
export const workerFilterNames = namesOf<WorkerFilter>({ agent: true, status: true });
