import { Health } from "#wire/gen/grpc/health/v1/health_pb";
import * as v1 from "#wire/gen/grpc/reflection/v1/reflection_pb";
import * as v1alpha from "#wire/gen/grpc/reflection/v1alpha/reflection_pb";
import { Gateway, Scheduler, Worker } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { AccessService } from "#wire/gen/taskrun/v1/access_service_pb";
import { AuditService } from "#wire/gen/taskrun/v1/audit_service_pb";
import { AuthorityService } from "#wire/gen/taskrun/v1/authority_service_pb";
import { DeadLetterService } from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { EnrollmentService } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { NodeService } from "#wire/gen/taskrun/v1/node_service_pb";
import { PauseService } from "#wire/gen/taskrun/v1/pause_service_pb";
import { RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { UsageService } from "#wire/gen/taskrun/v1/usage_service_pb";
import { WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import { orchestratorGateway, orchestratorWorker } from "../orchestrator/gateway-service.js";
import { orchestratorScheduler } from "../orchestrator/scheduler-service.js";
import type { Rpc } from "../rpc.js";
import { taskerRpcs, taskerServices } from "../tasker/services/index.js";
import { accessService } from "./access-service.js";
import { auditService } from "./audit-service.js";
import { authorityService } from "./authority-service.js";
import { deadLetterService } from "./dead-letter-service.js";
import { enrollmentService } from "./enrollment-service.js";
import { healthService } from "./health.js";
import { nodeService } from "./node-service.js";
import { pauseService } from "./pause-service.js";
import { reflectionService } from "./reflection.js";
import { runService } from "./run-service.js";
import { taskService } from "./task-service.js";
import { templateService } from "./template-service.js";
import { usageService } from "./usage-service.js";
import { workerService } from "./worker-service.js";

/** All services that every mount serves. */
export const services = [
  TaskService,
  WorkerService,
  RunService,
  TemplateService,
  DeadLetterService,
  AccessService,
  AuditService,
  AuthorityService,
  EnrollmentService,
  NodeService,
  PauseService,
  UsageService,
  ...taskerServices,
  Gateway,
  Scheduler,
  Worker,
  Health,
  v1.ServerReflection,
  v1alpha.ServerReflection,
] as const;

export const serviceNames: readonly string[] = services.map(({ typeName }) => typeName);

/** The table of handlers, mounted by every protocol. */
export const rpcs: readonly Rpc[] = [
  ...taskService,
  ...workerService,
  ...runService,
  ...templateService,
  ...deadLetterService,
  ...accessService,
  ...auditService,
  ...authorityService,
  ...enrollmentService,
  ...nodeService,
  ...pauseService,
  ...usageService,
  ...taskerRpcs,
  ...orchestratorGateway,
  ...orchestratorScheduler,
  ...orchestratorWorker,
  ...healthService,
  ...reflectionService(
    serviceNames,
    services.map(({ file }) => file),
  ),
];
