import type { ModelBackend } from "#domain/task/run";
import type { AgentSpec, WorkerView } from "#domain/worker/worker";
import { workerStatusToWire } from "./convert-enums.js";
import type * as common from "./gen/taskrun/v1/common_pb.js";
import type { Worker } from "./gen/taskrun/v1/worker_service_pb.js";

/** A connected Worker, its agents and their models, both ways. */
export function workerToWire({ info, status, activeRuns, capacity, lastHeartbeatAt }: WorkerView): Worker {
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
  };
}

export function agentToWire({ name, description, labels, backends }: AgentSpec): common.AgentSpec {
  return {
    $typeName: "taskrun.v1.AgentSpec",
    name,
    description,
    labels,
    backends: backends.map(modelBackendToWire),
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
