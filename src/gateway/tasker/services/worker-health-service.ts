import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type WorkerBasicHealthResponse,
  WorkerBasicHealthResponseSchema,
  type WorkerDetailedHealthResponse,
  WorkerDetailedHealthResponseSchema,
  type WorkerHealthCheck,
  WorkerHealthService,
  type WorkerReadinessResponse,
  WorkerReadinessResponseSchema,
  type WorkerSystemInfo,
} from "#wire/gen/tasker/v1/worker_pb";
import { probe } from "../../rpc.js";
import type { PartHealth, TaskerHealth } from "../health.js";
import { type Asked, healthOf, statusOf } from "./health-service.js";

/**
 * The WorkerHealthService of Tasker. Workers have no port here: this server answers for what Tasker's workers do themselves, which is to
 * keep the queue and hand out work. Whether a worker is connected says `taskrun.v1.WorkerService/ListWorkers`.
 */
export const workerHealthService = [
  probe(WorkerHealthService.method.checkHealth, (_, call) => basic("healthy", call)),
  probe(WorkerHealthService.method.checkLiveness, (_, call) => basic("alive", call)),
  probe(WorkerHealthService.method.checkReadiness, (_, call) => readiness(call)),
  probe(WorkerHealthService.method.checkDetailedHealth, (_, call) => detailedHealth(call)),
];

/** How this server is called where Tasker names a worker: by the node of several that it is. */
export const workerIdOf = (nodeId: string | undefined) => nodeId || "taskrun";

export function basic(status: string, call: Asked): WorkerBasicHealthResponse {
  return create(WorkerBasicHealthResponseSchema, commonOf(status, call));
}

function commonOf(status: string, call: Asked) {
  const timestamp = timestampFromMs(healthOf(call).at);
  return { status, timestamp, workerId: workerIdOf(call.services.plane.node?.id) };
}

export function readiness(call: Asked): WorkerReadinessResponse {
  const health = healthOf(call);
  return create(WorkerReadinessResponseSchema, {
    ...commonOf(health.isReady ? "ready" : "not_ready", call),
    checks: readinessChecks(health),
    systemInfo: systemInfo(health, call),
  });
}

export function detailedHealth(call: Asked): WorkerDetailedHealthResponse {
  const health = healthOf(call);
  const { orchestration, workers, circuitBreaker } = health.parts;
  return create(WorkerDetailedHealthResponseSchema, {
    ...commonOf(statusOf(health), call),
    checks: {
      ...readinessChecks(health),
      eventSystem: checkOf(orchestration, health),
      stepProcessing: checkOf(workers, health),
      circuitBreakers: checkOf(circuitBreaker, health),
    },
    systemInfo: systemInfo(health, call),
    distributedCache: { enabled: false, provider: "none", healthy: true },
  });
}

function readinessChecks(health: TaskerHealth) {
  const { store, commands, workers } = health.parts;
  return {
    database: checkOf(store, health),
    commandProcessor: checkOf(commands, health),
    queueProcessing: checkOf(workers, health),
  };
}

function checkOf(part: PartHealth, { at }: TaskerHealth): WorkerHealthCheck {
  return {
    $typeName: "tasker.v1.WorkerHealthCheck",
    ...part,
    durationMs: 0n,
    lastChecked: timestampFromMs(at),
  };
}

function systemInfo(health: TaskerHealth, { services: { facts, environment } }: Asked): WorkerSystemInfo {
  return {
    $typeName: "tasker.v1.WorkerSystemInfo",
    ...{ version: facts.version, environment, workerType: WORKER_TYPE },
    uptimeSeconds: BigInt(health.uptimeSeconds),
    databasePoolSize: facts.storeConnections,
    commandProcessorActive: health.isReady,
    // Everybody may ask for the health; which namespaces there are is for those who may use them.
    supportedNamespaces: [],
  };
}

/** What stands behind the worker services. */
export const WORKER_TYPE = "control_plane";
