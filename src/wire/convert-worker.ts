import type { ModelBackend } from "#domain/task/run";
import { type AgentRetry, type AgentView, type Announcement, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import type { AgentSpec, WorkerView } from "#domain/worker/worker";
import { workerStatusToWire } from "./convert-enums.js";
import { pauseToWire } from "./convert-pause.js";
import type * as common from "./gen/taskrun/v1/common_pb.js";
import type { Agent, Worker } from "./gen/taskrun/v1/worker_service_pb.js";

/** A connected Worker, its agents and their models, both ways. */
export function workerToWire({
  info,
  status,
  activeRuns,
  capacity,
  lastHeartbeatAt,
  pause,
}: WorkerView): Worker {
  return {
    $typeName: "taskrun.v1.Worker",
    workerId: info.workerId,
    hostname: info.hostname,
    version: info.version,
    status: workerStatusToWire[status],
    agents: info.agents.map(agentToWire),
    labels: info.labels,
    activeRuns,
    maxConcurrentRuns: capacity,
    lastHeartbeatMs: BigInt(lastHeartbeatAt),
    ...(pause && { pause: pauseToWire(pause) }),
    namespaces: [...info.namespaces],
  };
}

export function agentToWire({ name, description, labels, backends, announced }: AgentSpec): common.AgentSpec {
  return {
    $typeName: "taskrun.v1.AgentSpec",
    name,
    description,
    labels,
    backends: backends.map(modelBackendToWire),
    ...policiesToWire(announced),
  };
}

/** What an agent announces, as a hello and a list have it. */
function policiesToWire({ retry, timeoutMs, concurrency, inputSchema }: Announcement = NOTHING_ANNOUNCED) {
  return {
    ...(isSaid(retry) && { retry: retryToWire(retry) }),
    timeoutMs: BigInt(timeoutMs),
    concurrency,
    inputSchemaJson: inputSchema,
  };
}

function isSaid({ only, ...said }: AgentRetry): boolean {
  return only.length > 0 || Object.keys(said).length > 0;
}

function retryToWire({ attempts = 0, backoff, base, max, only }: AgentRetry): common.AgentRetry {
  return {
    $typeName: "taskrun.v1.AgentRetry",
    attempts,
    backoff: backoff ?? "",
    ...(base !== undefined && { baseMs: BigInt(base) }),
    ...(max !== undefined && { maxMs: BigInt(max) }),
    only: [...only],
  };
}

/** An agent of a list. @param waiting how many ready Steps wait for it */
export function listedAgentToWire(agent: AgentView & { readonly waiting: number }): Agent {
  const { name, namespace, description, announced, workers, slots, waiting, seenAt, isEnforced } = agent;
  return {
    $typeName: "taskrun.v1.Agent",
    name,
    namespace,
    workers,
    slots,
    waiting,
    ...policiesToWire(announced),
    digest: announced.digest,
    lastSeenMs: BigInt(seenAt),
    schemaEnforced: isEnforced,
    description,
  };
}

export function modelBackendToWire(backend: ModelBackend): common.ModelBackend {
  return {
    $typeName: "taskrun.v1.ModelBackend",
    provider: backend.provider,
    modelName: backend.modelName,
    contextWindow: backend.contextWindow,
    supportsStreaming: backend.supportsStreaming,
    modalities: [...backend.modalities],
    tools: [...backend.tools],
    metadata: backend.metadata,
  };
}

export function modelBackendFromWire(backend: common.ModelBackend): ModelBackend {
  const { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata } = backend;
  return { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata };
}
