import { create } from "@bufbuild/protobuf";
import {
  type DetailedHealthResponse,
  DetailedHealthResponseSchema,
  type HealthCheck,
  type HealthInfo,
  type HealthResponse,
  HealthResponseSchema,
  HealthService,
  type ReadinessResponse,
  ReadinessResponseSchema,
} from "#wire/gen/tasker/v1/health_pb";
import { type Call, probe } from "../../rpc.js";
import { type PartHealth, type TaskerHealth, taskerHealth } from "../health.js";

/** The HealthService of Tasker, for load balancers and tools. Whether requests are served is in `status`: it is no failure of the call. */
export const healthService = [
  probe(HealthService.method.checkHealth, (_, call) => basic("healthy", call)),
  probe(HealthService.method.checkLiveness, (_, call) => basic("alive", call)),
  probe(HealthService.method.checkReadiness, (_, call) => readiness(call)),
  probe(HealthService.method.checkDetailedHealth, (_, call) => detailedHealth(call)),
];

/** Of whom health is asked: by an rpc, or by a page. */
export type Asked = Pick<Call, "health" | "services">;

/** The health of the server that is asked. */
export function healthOf({ health, services: { plane, facts } }: Asked): TaskerHealth {
  return taskerHealth(health, facts, plane.now());
}

/** In one word: whether requests are served, and whether an operator should look. */
export function statusOf({ isReady, isWell }: TaskerHealth): string {
  if (!isReady) return "unhealthy";
  return isWell ? "healthy" : "degraded";
}

export function basic(status: string, call: Asked): HealthResponse {
  return create(HealthResponseSchema, { status, timestamp: isoTime(healthOf(call)) });
}

export function readiness(call: Asked): ReadinessResponse {
  const health = healthOf(call);
  return create(ReadinessResponseSchema, {
    status: health.isReady ? "ready" : "not_ready",
    timestamp: isoTime(health),
    checks: readinessChecks(health),
    info: infoOf(health, call),
  });
}

export function detailedHealth(call: Asked): DetailedHealthResponse {
  const health = healthOf(call);
  const notMeasured = checkOf(health.parts.notMeasured);
  const unmeasured = {
    poolUtilization: notMeasured,
    queueDepth: notMeasured,
    channelSaturation: notMeasured,
  };
  return create(DetailedHealthResponseSchema, {
    status: statusOf(health),
    timestamp: isoTime(health),
    checks: { ...readinessChecks(health), ...unmeasured },
    info: infoOf(health, call),
  });
}

function isoTime({ at }: TaskerHealth): string {
  return new Date(at).toISOString();
}

function readinessChecks({ parts }: TaskerHealth) {
  const store = checkOf(parts.store);
  return {
    // There is one store, for clients' reads and for turns.
    webDatabase: store,
    orchestrationDatabase: store,
    circuitBreaker: checkOf(parts.circuitBreaker),
    orchestrationSystem: checkOf(parts.orchestration),
    commandProcessor: checkOf(parts.commands),
  };
}

function checkOf(part: PartHealth): HealthCheck {
  return { $typeName: "tasker.v1.HealthCheck", ...part, durationMs: 0n };
}

function infoOf({ state }: TaskerHealth, { services: { facts, environment } }: Asked): HealthInfo {
  return {
    $typeName: "tasker.v1.HealthInfo",
    ...{ version: facts.version, environment, operationalState: state },
    webDatabasePoolSize: facts.storeConnections,
    orchestrationDatabasePoolSize: facts.storeConnections,
    circuitBreakerState: "disabled",
  };
}
