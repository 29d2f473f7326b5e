import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { getConfig, type ShownConfig } from "#api/config/get-config";
import {
  type ConfigMetadata,
  ConfigService,
  type GetConfigResponse,
  type SafeAuthConfig,
  type SafeMessagingConfig,
} from "#wire/gen/tasker/v1/config_pb";
import { WorkerConfigService, type WorkerGetConfigResponse } from "#wire/gen/tasker/v1/worker_pb";
import { unary } from "../../rpc.js";
import { WORKER_TYPE, workerIdOf } from "./worker-health-service.js";

/** The ConfigService of Tasker: the settings of this server that may be shown. */
export const configService = [unary(ConfigService.method.getConfig, getConfig, () => ({}), configToWire)];

/** The WorkerConfigService of Tasker: the same settings, as far as they concern workers. */
export const workerConfigService = [
  unary(WorkerConfigService.method.getConfig, getConfig, () => ({}), workerConfigToWire),
];

function configToWire(config: ShownConfig): GetConfigResponse {
  const connections = config.storeConnections;
  return {
    $typeName: "tasker.v1.GetConfigResponse",
    metadata: metadataOf(config),
    auth: authOf(config),
    // There are none: every wait is bounded, and a store that does not answer is reported as such.
    circuitBreakers: {
      $typeName: "tasker.v1.SafeCircuitBreakerConfig",
      ...{ enabled: false, failureThreshold: 0, timeoutSeconds: 0, successThreshold: 0 },
    },
    databasePools: {
      $typeName: "tasker.v1.SafeDatabasePoolConfig",
      ...{ webApiPoolSize: connections, webApiMaxConnections: connections },
    },
    // Nodes that share a store tell each other of changes, and look for what they were not told.
    deploymentMode: config.isShared ? "Hybrid" : "EventDrivenOnly",
    messaging: messagingOf(config),
  };
}

function workerConfigToWire(config: ShownConfig): WorkerGetConfigResponse {
  return {
    $typeName: "tasker.v1.WorkerGetConfigResponse",
    metadata: metadataOf(config),
    workerId: workerIdOf(config.nodeId),
    workerType: WORKER_TYPE,
    auth: authOf(config),
    messaging: messagingOf(config),
  };
}

function metadataOf({ at, environment, version }: ShownConfig): ConfigMetadata {
  return { $typeName: "tasker.v1.ConfigMetadata", timestamp: timestampFromMs(at), environment, version };
}

function authOf({ auth }: ShownConfig): SafeAuthConfig {
  const tokens = auth?.tokens;
  const method = tokens ? "jwks" : "api_key";
  return {
    $typeName: "tasker.v1.SafeAuthConfig",
    enabled: auth !== undefined,
    verificationMethod: auth ? method : "none",
    jwtIssuer: tokens?.issuer ?? "",
    jwtAudience: tokens?.audience.join(",") ?? "",
    apiKeyHeader: "x-api-key",
    apiKeyCount: auth?.apiKeys ?? 0,
    // A role with a word that means nothing is refused at the start.
    strictValidation: true,
    allowedAlgorithms: [...(tokens?.algorithms ?? [])],
  };
}

/** Ready Steps wait in the store, in no queues that have names. */
function messagingOf({ store }: ShownConfig): SafeMessagingConfig {
  return { $typeName: "tasker.v1.SafeMessagingConfig", backend: store, queues: [] };
}
