import type { Backoff } from "#domain/task/retry";
import type { ModelBackend } from "#domain/task/run";
import {
  runStatusFromWire,
  stepStateFromWire,
  taskStateFromWire,
  taskStatusFromWire,
  workerStatusFromWire,
} from "#wire/convert-enums";
import {
  type AgentSpec,
  ChatRole,
  RunEventType,
  type ModelBackend as WireBackend,
  type AgentRetry as WireRetry,
} from "#wire/gen/taskrun/v1/common_pb";
import type {
  RunSummary,
  TaskEvent as WireEvent,
  Step as WireStep,
  Task as WireTask,
} from "#wire/gen/taskrun/v1/task_service_pb";
import type { TemplateFinding, Template as WireTemplate } from "#wire/gen/taskrun/v1/template_service_pb";
import type { Agent as WireAgent, Worker as WireWorker } from "#wire/gen/taskrun/v1/worker_service_pb";
import type { AgentRetry, AnnouncedAgent } from "./agent-views.js";
import { toBudget } from "./budget.js";
import { toJournalChange, toModelUse } from "./convert-journal.js";
import type { ChatMessage, TaskEvent } from "./event-views.js";
import { toPause } from "./pauses.js";
import type { Finding, Template } from "./template-views.js";
import { toUsage } from "./usage.js";
import type { Run, Step, Task } from "./views.js";
import type { Worker } from "./worker-views.js";

export function toTask(task: WireTask): Task {
  const { namespace, name, version } = task.template ?? {};
  return {
    id: task.id,
    agent: task.agentName,
    namespace: task.namespace,
    status: taskStatusFromWire(task.status) ?? "UNSPECIFIED",
    state: taskStateFromWire(task.state) ?? "unspecified",
    inputJson: task.inputJson,
    outputJson: task.outputJson,
    errorMessage: task.errorMessage,
    createdBy: task.createdBy,
    createdAtMs: Number(task.createdAtMs),
    finishedAtMs: Number(task.finishedAtMs),
    labels: task.labels,
    priority: task.priority,
    timeoutMs: Number(task.timeoutMs),
    maxAttempts: task.maxAttempts,
    ...(task.maxLosses !== undefined && { maxLosses: task.maxLosses }),
    ...(task.budget && { budget: toBudget(task.budget) }),
    ...(name !== undefined && { template: { namespace: namespace ?? "", name, version: version ?? "" } }),
    workerSelector: task.workerSelector,
    correlationId: task.correlationId,
    startAtMs: Number(task.startAtMs),
    retryOf: task.retryOf,
    forkedFrom: task.forkedFrom,
    parentTaskId: task.parentTaskId,
    parentStepName: task.parentStepName,
    compensates: task.compensates,
    compensatedBy: task.compensatedBy,
    waitingReason: task.waitingReason,
    warnings: task.warnings,
    ...usageOf(task),
    steps: task.steps.map(toStep),
    runs: task.runs.map(toRun),
  };
}

function toStep(step: WireStep): Step {
  return {
    name: step.name,
    state: stepStateFromWire(step.state) ?? "unspecified",
    agent: step.agentName,
    attempts: step.attempts,
    maxAttempts: step.maxAttempts,
    losses: step.losses,
    maxLosses: step.maxLosses,
    nextAttemptAtMs: Number(step.nextAttemptAtMs),
    dependsOn: step.dependsOn,
    outputJson: step.outputJson,
    outputBytes: Number(step.outputBytes),
    errorMessage: step.errorMessage,
    type: step.type,
    startedAtMs: Number(step.startedAtMs),
    finishedAtMs: Number(step.finishedAtMs),
    childTaskId: step.childTaskId,
    waitingReason: step.waitingReason,
  };
}

export function toRun(run: RunSummary): Run {
  return {
    id: run.runId,
    workerId: run.workerId,
    status: runStatusFromWire(run.status) ?? "UNSPECIFIED",
    startedAtMs: Number(run.startedAtMs),
    finishedAtMs: Number(run.finishedAtMs),
    ...(run.backendUsed && { backendUsed: toBackend(run.backendUsed) }),
    errorMessage: run.errorMessage,
    errorDetail: run.errorDetail,
    attempt: run.attempt,
    stepName: run.stepName,
    reason: run.reason,
    fence: run.fence,
    ...usageOf(run),
  };
}

function usageOf({ usage }: Pick<WireTask, "usage">) {
  const read = toUsage(usage);
  return read && { usage: read };
}

function toBackend(backend: WireBackend): ModelBackend {
  const { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata } = backend;
  return { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata };
}

export function toWorker(worker: WireWorker): Worker {
  return {
    id: worker.workerId,
    hostname: worker.hostname,
    version: worker.version,
    status: workerStatusFromWire(worker.status) ?? "UNSPECIFIED",
    agents: worker.agents.map(({ name, description, labels, backends, ...announced }) => ({
      name,
      description,
      labels,
      backends: backends.map(toBackend),
      ...toPolicies(announced),
    })),
    labels: worker.labels,
    activeRuns: worker.activeRuns,
    maxConcurrentRuns: worker.maxConcurrentRuns,
    lastHeartbeatMs: Number(worker.lastHeartbeatMs),
    ...(worker.pause && { pause: toPause(worker.pause) }),
    namespaces: worker.namespaces,
  };
}

function toPolicies({ retry, timeoutMs, concurrency, inputSchemaJson }: Announced) {
  return {
    retry: toRetry(retry),
    timeoutMs: Number(timeoutMs),
    concurrency,
    inputSchemaJson,
  };
}

type Announced = Pick<AgentSpec, "timeoutMs" | "concurrency" | "inputSchemaJson"> & {
  readonly retry?: WireRetry | undefined;
};

function toRetry(retry: WireRetry | undefined): AgentRetry {
  const { attempts = 0, backoff = "", baseMs, maxMs, only = [] } = retry ?? {};
  return {
    ...(attempts > 0 && { attempts }),
    ...(backoff !== "" && { backoff: backoff as Backoff }),
    ...(baseMs !== undefined && { baseMs: Number(baseMs) }),
    ...(maxMs !== undefined && { maxMs: Number(maxMs) }),
    only,
  };
}

export function toAnnouncedAgent(agent: WireAgent): AnnouncedAgent {
  const { name, namespace, description, workers, slots, waiting, digest, lastSeenMs, schemaEnforced } = agent;
  return {
    name,
    namespace,
    description,
    workers,
    slots,
    waiting,
    ...toPolicies(agent),
    digest,
    lastSeenMs: Number(lastSeenMs),
    schemaEnforced,
  };
}

export function toTemplate(template: WireTemplate): Template {
  const { namespace, name, version, description, stepCount, registeredAtMs, digest } = template;
  return { namespace, name, version, description, stepCount, registeredAtMs: Number(registeredAtMs), digest };
}

export function toFinding({ code, severity, message, stepName, line, column }: TemplateFinding): Finding {
  return { code, severity, message, stepName, line, column };
}

/** Converts an event of the wire; undefined for a kind that this client does not know. */
export function toEvent(wire: WireEvent): TaskEvent | undefined {
  const stamp = { seq: Number(wire.seq), taskId: wire.taskId, atMs: Number(wire.timestampMs) };
  switch (wire.event.case) {
    case "taskChanged":
      return { ...stamp, type: "task", task: toTask(wire.event.value) };
    case "stepChanged":
      return { ...stamp, type: "step", step: toStep(wire.event.value) };
    case "runChanged":
      return { ...stamp, type: "run", run: toRun(wire.event.value) };
    case "output": {
      const { runId, seq, content, isFinal, metadata, timestampMs, fence, turn } = wire.event.value;
      const sentAtMs = Number(timestampMs);
      const output = { runId, seq: Number(seq), content, isFinal, metadata, sentAtMs, fence, turn };
      return { ...stamp, type: "output", output };
    }
    case "runEvent": {
      const { id, runId, eventType, timestampMs, metadata, name } = wire.event.value;
      const kind = name || (RunEventType[eventType] ?? "UNSPECIFIED");
      return { ...stamp, type: "event", event: { id, runId, kind, sentAtMs: Number(timestampMs), metadata } };
    }
    case "chatMessage": {
      const { runId, message } = wire.event.value;
      const role = (ChatRole[message?.role ?? 0] ?? "UNSPECIFIED") as ChatMessage["role"];
      const sentAtMs = Number(message?.timestampMs ?? 0);
      return { ...stamp, type: "chat", chat: { runId, role, content: message?.content ?? "", sentAtMs } };
    }
    case "journal": {
      const journal = toJournalChange(wire.event.value);
      return journal && { ...stamp, type: "journal", journal };
    }
    case "usage": {
      const usage = toModelUse(wire.event.value);
      return usage && { ...stamp, type: "usage", usage };
    }
    default:
      return undefined;
  }
}
