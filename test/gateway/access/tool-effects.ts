import { orchestratorEffects } from "./orchestrator-effects.js";

/** What leaves an entry in the audit log, of the rpcs of gRPC itself and of other systems: as in the table of the others. */
export const toolEffects = {
  ...orchestratorEffects,
  "tasker.v1.HealthService/CheckHealth": "reads",
  "tasker.v1.HealthService/CheckLiveness": "reads",
  "tasker.v1.HealthService/CheckReadiness": "reads",
  "tasker.v1.HealthService/CheckDetailedHealth": "reads",
  "tasker.v1.ConfigService/GetConfig": "reads",
  "tasker.v1.TemplateService/ListTemplates": "reads",
  "tasker.v1.TemplateService/GetTemplate": "reads",
  "tasker.v1.AnalyticsService/GetPerformanceMetrics": "reads",
  "tasker.v1.AnalyticsService/GetBottleneckAnalysis": "reads",
  "tasker.v1.WorkerHealthService/CheckHealth": "reads",
  "tasker.v1.WorkerHealthService/CheckLiveness": "reads",
  "tasker.v1.WorkerHealthService/CheckReadiness": "reads",
  "tasker.v1.WorkerHealthService/CheckDetailedHealth": "reads",
  "tasker.v1.WorkerConfigService/GetConfig": "reads",
  "tasker.v1.WorkerTemplateService/ListTemplates": "reads",
  "tasker.v1.WorkerTemplateService/GetTemplate": "reads",
  "grpc.health.v1.Health/Check": "reads",
  "grpc.health.v1.Health/List": "reads",
  "grpc.health.v1.Health/Watch": "reads",
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "reads",
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "reads",
} as const;
