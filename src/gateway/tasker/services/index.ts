import { AnalyticsService } from "#wire/gen/tasker/v1/analytics_pb";
import { ConfigService } from "#wire/gen/tasker/v1/config_pb";
import { DlqService } from "#wire/gen/tasker/v1/dlq_pb";
import { HealthService } from "#wire/gen/tasker/v1/health_pb";
import { StepService } from "#wire/gen/tasker/v1/steps_pb";
import { TaskService } from "#wire/gen/tasker/v1/tasks_pb";
import { TemplateService } from "#wire/gen/tasker/v1/templates_pb";
import {
  WorkerConfigService,
  WorkerHealthService,
  WorkerTemplateService,
} from "#wire/gen/tasker/v1/worker_pb";
import type { Rpc } from "../../rpc.js";
import { analyticsService } from "./analytics-service.js";
import { configService, workerConfigService } from "./config-service.js";
import { dlqService } from "./dlq-service.js";
import { inTaskersWords } from "./faults.js";
import { healthService } from "./health-service.js";
import { stepService } from "./step-service.js";
import { taskService } from "./task-service.js";
import { templateService } from "./template-service.js";
import { workerHealthService } from "./worker-health-service.js";
import { workerTemplateService } from "./worker-template-service.js";

/** The services of Tasker that this server has. */
export const taskerServices = [
  TaskService,
  StepService,
  DlqService,
  HealthService,
  ConfigService,
  TemplateService,
  AnalyticsService,
  WorkerHealthService,
  WorkerConfigService,
  WorkerTemplateService,
] as const;

/** Their handlers. */
export const taskerRpcs: readonly Rpc[] = [
  ...taskService,
  ...stepService,
  ...dlqService,
  ...healthService,
  ...configService,
  ...templateService,
  ...analyticsService,
  ...workerHealthService,
  ...workerConfigService,
  ...workerTemplateService,
].map(inTaskersWords);
