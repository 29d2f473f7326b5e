import { stepUuid } from "#gateway/tasker/shapes/step-uuid";
import { DlqService } from "#wire/gen/tasker/v1/dlq_pb";
import { StepService } from "#wire/gen/tasker/v1/steps_pb";
import { TaskService } from "#wire/gen/tasker/v1/tasks_pb";
import type { AuditedWorld } from "./audited-world.js";
import { orchestratorEffects } from "./orchestrator-effects.js";

/** What leaves an entry in the audit log, of the rpcs of gRPC itself and of other systems: as in the table of the others. */
export const toolEffects = {
  "/health/detailed": "reads",
  ...orchestratorEffects,
  "tasker.v1.TaskService/CreateTask": "own",
  "tasker.v1.TaskService/GetTask": "reads",
  "tasker.v1.TaskService/ListTasks": "reads",
  "tasker.v1.TaskService/CancelTask": {
    action: "task.cancel",
    object: /^task [\w-]{36}$/,
    act: async ({ creator, askOperator }: AuditedWorld) =>
      askOperator(TaskService.method.cancelTask, { taskUuid: (await creator.waiting()).id }),
  },
  "tasker.v1.TaskService/GetTaskContext": "reads",
  "tasker.v1.TaskService/GetTaskSummary": "reads",
  "tasker.v1.TaskService/StreamTaskStatus": "reads",
  "tasker.v1.StepService/GetStep": "reads",
  "tasker.v1.StepService/ListSteps": "reads",
  "tasker.v1.StepService/ResolveStep": {
    action: "step.resolve",
    object: /^step [\w-]{36}\/main$/,
    act: async ({ creator, askOperator }: AuditedWorld) => {
      const { id: taskUuid } = await creator.waiting();
      const of = { taskUuid, stepUuid: stepUuid(taskUuid, "main") };
      return askOperator(StepService.method.resolveStep, { ...of, actionType: 3, result: { by: "hand" } });
    },
  },
  "tasker.v1.StepService/GetStepAudit": "reads",
  "tasker.v1.DlqService/ListEntries": "reads",
  "tasker.v1.DlqService/GetEntryByTask": "reads",
  "tasker.v1.DlqService/UpdateInvestigation": {
    action: "dead_letter.update",
    object: /^task [\w-]{36}$/,
    act: async ({ creator, askOperator }: AuditedWorld) =>
      askOperator(DlqService.method.updateInvestigation, {
        dlqEntryUuid: (await creator.failed()).id,
        resolutionStatus: 3,
      }),
  },
  "tasker.v1.DlqService/GetStats": "reads",
  "tasker.v1.DlqService/GetInvestigationQueue": "reads",
  "tasker.v1.DlqService/GetStalenessMonitoring": "reads",
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
