import type { DescMethod } from "@bufbuild/protobuf";
import { stepKey, type TaskId } from "#domain/id";
import { NO_PAUSES } from "#domain/pause/pause-set";
import { templateKey } from "#domain/template/template";
import { instant, millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import { stepUuid } from "#gateway/tasker/shapes/step-uuid";
import { deadLetter, run, runId, spec, step, task, template } from "#testing/rows";
import type { FakePlane } from "./fake-plane.js";

const source = `name: fulfil
namespace_name: orders
version: 1.0.0
steps:
  - name: pack
    handler: { callable: packer }
`;

/** Tasks whose ids are UUIDs, as Tasker's clients send them: one that has failed, and one that goes on. */
const TASKER_TASK = "00000000-0000-7000-8000-000000000001";
const TASKER_LIVE_TASK = "00000000-0000-7000-8000-000000000002";

function stepOf(taskUuid: string) {
  return { taskUuid, stepUuid: stepUuid(taskUuid, "main") };
}

/** What is sent to each rpc, as the fields of its request; and how many answers of a stream are enough. */
export const samples: Readonly<
  Record<string, { readonly request: Record<string, unknown>; readonly atMost?: number }>
> = {
  "taskrun.v1.TaskService/CreateTask": {
    request: { agentName: "support_triage", inputJson: '{"query": "help"}' },
  },
  "taskrun.v1.TaskService/GetTask": { request: { id: "done" } },
  "taskrun.v1.TaskService/ExplainTask": { request: { id: "done" } },
  "taskrun.v1.TaskService/ListTasks": { request: {} },
  "taskrun.v1.TaskService/GetOverview": { request: {} },
  "taskrun.v1.TaskService/CancelTask": { request: { id: "cancel-me" } },
  "taskrun.v1.TaskService/BatchCreateTasks": { request: { tasks: [{ agentName: "a" }, {}] } },
  "taskrun.v1.TaskService/WatchTask": { request: { id: "done", afterSeq: 0n } },
  "taskrun.v1.TaskService/RunTask": { request: { task: { agentName: "support_triage" }, waitMs: 1n } },
  "taskrun.v1.TaskService/WaitTask": { request: { id: "done" } },
  "taskrun.v1.TaskService/GetStepResult": { request: { taskId: "done", stepName: "main" } },
  "taskrun.v1.TaskService/GetStepAudit": { request: { taskId: "done", stepName: "main" } },
  "taskrun.v1.TaskService/GetStepJournal": { request: { taskId: "done", stepName: "main" } },
  "taskrun.v1.TaskService/ForkTask": { request: { id: "done", from: "main" } },
  "taskrun.v1.TaskService/BulkTasks": { request: { action: 1, dryRun: true } },
  "taskrun.v1.TaskService/RetryTask": { request: { id: "done" } },
  "taskrun.v1.TaskService/SignalTask": {
    request: { id: "cancel-me", signal: "approve", payloadJson: "true" },
  },
  "taskrun.v1.TaskService/TopUpTask": {
    request: { id: "cancel-me", add: { tokens: 500n }, reason: "worth it", requestId: "r-1" },
  },
  "taskrun.v1.TaskService/ResolveStep": {
    request: { taskId: "cancel-me", stepName: "main", action: 3, resultJson: "1" },
  },
  "taskrun.v1.DeadLetterService/ListDeadLetters": { request: { status: 1 } },
  "taskrun.v1.DeadLetterService/GetDeadLetter": { request: { taskId: "failed" } },
  "taskrun.v1.DeadLetterService/GetDeadLetterStats": { request: {} },
  "taskrun.v1.DeadLetterService/ListInvestigationQueue": { request: { limit: 5 } },
  "taskrun.v1.DeadLetterService/ListStaleness": { request: { pageSize: 5 } },
  "taskrun.v1.DeadLetterService/UpdateDeadLetter": {
    request: { taskId: "failed", status: 3, notes: "it stays so" },
  },
  "taskrun.v1.DeadLetterService/RedriveDeadLetter": { request: { taskId: "failed" } },
  "taskrun.v1.UsageService/GetUsage": { request: { groupBy: ["day", "model"] } },
  "taskrun.v1.TemplateService/Register": { request: { source } },
  "taskrun.v1.TemplateService/Get": { request: { template: { namespace: "orders", name: "fulfil" } } },
  "taskrun.v1.TemplateService/List": { request: { namespace: "orders" } },
  "taskrun.v1.TemplateService/Validate": { request: { source: "name: fulfil\n" } },
  "taskrun.v1.WorkerService/ListWorkers": { request: {} },
  "taskrun.v1.WorkerService/ListAgents": { request: {} },
  "taskrun.v1.WorkerService/GetWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.WorkerService/DrainWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.NodeService/ListNodes": { request: {} },
  "taskrun.v1.PauseService/Pause": {
    request: { scope: { kind: 3, name: "support_triage" }, reason: "bad answers", untilMs: 0n },
  },
  "taskrun.v1.PauseService/Resume": { request: { scope: { kind: 3, name: "support_triage" } } },
  "taskrun.v1.PauseService/GetPause": { request: { scope: { kind: 3, name: "support_triage" } } },
  "taskrun.v1.PauseService/ListPauses": { request: {} },
  "taskrun.v1.RunService/StreamConnect": {
    request: { payload: { case: "hello", value: { info: { workerId: "w-2" }, protocol: 1 } } },
    atMost: 1,
  },
  "taskrun.v1.RunService/GetStepResult": { request: { runId: runId(1), fence: 1, stepName: "main" } },
  "taskrun.v1.RunService/GetRunInput": { request: { runId: runId(1), fence: 1 } },
  "taskrun.v1.RunService/GetJournal": { request: { runId: runId(1), fence: 1 } },
  "orchestrator.v1.Gateway/SubmitTask": { request: { name: "support_triage", maxRetries: 3 } },
  "orchestrator.v1.Gateway/SubscribeProgress": { request: { taskId: "done" } },
  "orchestrator.v1.Gateway/HealthCheck": { request: {} },
  "orchestrator.v1.Scheduler/RegisterWorker": {
    request: { message: { case: "heartbeat", value: { availableSlots: 1 } } },
    atMost: 1,
  },
  "orchestrator.v1.Scheduler/HealthCheck": { request: {} },
  "orchestrator.v1.Worker/ExecuteTask": { request: { name: "support_triage" }, atMost: 1 },
  "orchestrator.v1.Worker/HealthCheck": { request: {} },
  "taskrun.v1.AccessService/CreateKey": { request: { name: "ci", role: "viewer" } },
  "taskrun.v1.AccessService/ListKeys": { request: {} },
  "taskrun.v1.AccessService/RotateKey": { request: { id: "none" } },
  "taskrun.v1.AccessService/RevokeKey": { request: { id: "none" } },
  "taskrun.v1.AccessService/CreateWatchToken": { request: { id: "done" } },
  "taskrun.v1.AuditService/ListAudit": { request: {} },
  "taskrun.v1.AuthorityService/GetAuthority": { request: {} },
  "taskrun.v1.AuthorityService/RotateAuthority": { request: { phase: 4, force: false } },
  "taskrun.v1.EnrollmentService/InviteWorkers": { request: { name: "w-3" } },
  "taskrun.v1.EnrollmentService/Enroll": { request: { token: "none", csr: "none" } },
  "taskrun.v1.EnrollmentService/RenewCertificate": { request: { csr: "none" } },
  "taskrun.v1.EnrollmentService/ListEnrolledWorkers": { request: {} },
  "taskrun.v1.EnrollmentService/RevokeWorker": { request: { name: "w-3" } },
  "tasker.v1.TaskService/CreateTask": {
    request: { namespace: "orders", name: "fulfil", version: "0.9.0", context: { order: 7 }, tags: ["big"] },
  },
  "tasker.v1.TaskService/GetTask": {
    request: { taskUuid: TASKER_TASK, includeSteps: true, includeContext: true },
  },
  "tasker.v1.TaskService/ListTasks": { request: { pagination: { limit: 2 } } },
  "tasker.v1.TaskService/CancelTask": { request: { taskUuid: TASKER_LIVE_TASK, reason: "why" } },
  "tasker.v1.TaskService/GetTaskContext": { request: { taskUuid: TASKER_TASK } },
  "tasker.v1.TaskService/GetTaskSummary": { request: { taskUuid: TASKER_TASK } },
  "tasker.v1.TaskService/StreamTaskStatus": { request: { taskUuid: TASKER_TASK, includeSteps: true } },
  "tasker.v1.StepService/GetStep": { request: stepOf(TASKER_TASK) },
  "tasker.v1.StepService/ListSteps": { request: { taskUuid: TASKER_TASK } },
  "tasker.v1.StepService/ResolveStep": {
    request: { ...stepOf(TASKER_LIVE_TASK), actionType: 3, performedBy: "ann", result: { by: "hand" } },
  },
  "tasker.v1.StepService/GetStepAudit": { request: stepOf(TASKER_TASK) },
  "tasker.v1.DlqService/ListEntries": { request: { resolutionStatus: 1 } },
  "tasker.v1.DlqService/GetEntryByTask": { request: { taskUuid: TASKER_TASK } },
  "tasker.v1.DlqService/UpdateInvestigation": {
    request: { dlqEntryUuid: TASKER_TASK, resolutionStatus: 3, resolutionNotes: "it stays so" },
  },
  "tasker.v1.DlqService/GetStats": { request: {} },
  "tasker.v1.DlqService/GetInvestigationQueue": { request: { limit: 5 } },
  "tasker.v1.DlqService/GetStalenessMonitoring": { request: { limit: 5 } },
  "tasker.v1.HealthService/CheckHealth": { request: {} },
  "tasker.v1.HealthService/CheckLiveness": { request: {} },
  "tasker.v1.HealthService/CheckReadiness": { request: {} },
  "tasker.v1.HealthService/CheckDetailedHealth": { request: {} },
  "tasker.v1.ConfigService/GetConfig": { request: {} },
  "tasker.v1.TemplateService/ListTemplates": { request: {} },
  "tasker.v1.TemplateService/GetTemplate": {
    request: { namespace: "orders", name: "fulfil", version: "0.9.0" },
  },
  "tasker.v1.AnalyticsService/GetPerformanceMetrics": { request: { hours: 24 } },
  "tasker.v1.AnalyticsService/GetBottleneckAnalysis": { request: { limit: 10 } },
  "tasker.v1.WorkerHealthService/CheckHealth": { request: {} },
  "tasker.v1.WorkerHealthService/CheckLiveness": { request: {} },
  "tasker.v1.WorkerHealthService/CheckReadiness": { request: {} },
  "tasker.v1.WorkerHealthService/CheckDetailedHealth": { request: {} },
  "tasker.v1.WorkerConfigService/GetConfig": { request: {} },
  "tasker.v1.WorkerTemplateService/ListTemplates": { request: { includeCacheStats: true } },
  "tasker.v1.WorkerTemplateService/GetTemplate": {
    request: { namespace: "orders", name: "fulfil", version: "" },
  },
  "grpc.health.v1.Health/Check": { request: {} },
  "grpc.health.v1.Health/List": { request: {} },
  "grpc.health.v1.Health/Watch": { request: {}, atMost: 1 },
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": {
    request: { messageRequest: { case: "listServices", value: "" } },
    atMost: 1,
  },
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {
    request: { messageRequest: { case: "fileContainingSymbol", value: "taskrun.v1.Task" } },
    atMost: 1,
  },
};

/** How an rpc is called in samples and metrics. */
export const nameOf = (method: DescMethod) => `${method.parent.typeName}/${method.name}`;

/** The same Tasks before each call, so that every call sees the same. */
export async function prepare(plane: FakePlane): Promise<void> {
  plane.details.clear();
  plane.templates.clear();
  plane.paused = NO_PAUSES;
  const row = template("fulfil", "0.9.0", { namespace: "orders" });
  plane.templates.set(templateKey(row), row);
  const chain = "chain" as TaskId;
  const steps = [
    step(chain, { state: "complete", outputBytes: 1 }),
    step(chain, { name: "after", dependsOn: ["main"] }),
  ];
  plane.details.set(chain, { task: task(chain), input: "{}", steps, runs: [] });
  plane.outputs.set(stepKey({ taskId: chain, stepName: "main" }), "1");
  plane.runs.set(runId(1), run(runId(1), chain, { stepName: "after" }));
  for (const id of ["done", "cancel-me", TASKER_LIVE_TASK]) {
    await plane.submit({ principal: "local", namespaces: "*", roles: [] }, [
      { id: id as TaskId, namespace: "default", input: "{}", spec: spec({ labels: { team: "x" } }) },
    ]);
  }
  for (const id of ["failed", TASKER_TASK]) putFailed(plane, id as TaskId);
  const id = "done" as TaskId;
  const ended = plane.finish(id, "complete", '{"answer":42}');
  const { state, hasRun, finishedAt, reason, errorMessage } = ended;
  const entry = { type: "task", at: instant(7), state, hasRun, finishedAt, reason, errorMessage } as const;
  plane.logs.set(id, [{ ...entry, state: "steps_in_process" }, entry]);
}

/** A Task that has failed, with its dead letter. */
function putFailed(plane: FakePlane, id: TaskId): void {
  const over = { state: "error", finishedAt: instant(9), counts: { error: 1 }, hasDeadLetter: true } as const;
  plane.details.set(id, {
    task: task(id, { ...over, reason: "STEP_FAILED", errorMessage: "no such city" }),
    input: "{}",
    steps: [step(id, { state: "error", errorMessage: "no such city" })],
    runs: [],
  });
  plane.deadLetters.set(id, deadLetter(id));
}

/** Has the plane say something to each worker that introduces itself: to one that names Runs by their Tasks, a Task. */
export function answerWorkers(plane: FakePlane): void {
  plane.onReport = (report, sink) => {
    if (report.type !== "hello") return;
    const { workerId, oneRunPerTask } = report.info;
    sink.send(oneRunPerTask ? given : { type: "drain", reason: workerId });
  };
}

const given: WorkerFrame = {
  type: "assign",
  runId: runId(7),
  taskId: "given" as TaskId,
  stepName: "main",
  agentName: "support_triage",
  input: '{"payload_base64":"AQID"}',
  parts: "",
  labels: { "orchestrator.description": "Look into it" },
  issuedAt: instant(1_000),
  deadlineAt: instant(2_500),
  attempt: 1,
  fence: 1,
  lease: millis(90_000),
  ordinal: 1,
  journalRecords: 0,
  results: {},
  refs: [],
  failed: [],
  traceparent: "",
  bytes: 100,
};
