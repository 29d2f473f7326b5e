import type { Scope } from "#domain/access/scopes";

/** What an rpc or route asks of its caller: a scope, any credential, the token of an invitation, which its handler checks, or nothing. */
export type Requirement = Scope | "a credential" | "a token" | "nothing";

const ofService = <Name extends string>(service: string, methods: Readonly<Record<Name, Requirement>>) =>
  Object.entries<Requirement>(methods).map(([method, needs]) => [`${service}/${method}`, needs] as const);

/** What shows numbers or events of all namespaces together: only who may use all of them may look. */
export const ofAllNamespaces: ReadonlySet<string> = new Set([
  "taskrun.v1.NodeService/ListNodes",
  "/metrics",
  "/inspect/events",
]);

/**
 * The one table of who may call what, for every rpc and every route of HTTP. What is not in it is refused to everybody; a
 * test compares it with the descriptors and routes. Which namespaces the caller may use is decided later, by
 * `api/authorize.ts`.
 */
export const policy: ReadonlyMap<string, Requirement> = new Map([
  ...ofService("taskrun.v1.TaskService", {
    CreateTask: "tasks:create",
    BatchCreateTasks: "tasks:create",
    RunTask: "tasks:create",
    WaitTask: "tasks:read",
    GetTask: "tasks:read",
    ExplainTask: "tasks:read",
    ListTasks: "tasks:list",
    GetOverview: "tasks:list",
    // And what is needed for the single action, which its use case checks.
    BulkTasks: "tasks:list",
    CancelTask: "tasks:cancel",
    RetryTask: "tasks:retry",
    ForkTask: "tasks:retry",
    SignalTask: "tasks:signal",
    ResolveStep: "steps:resolve",
    TopUpTask: "steps:resolve",
    WatchTask: "tasks:read",
    GetStepResult: "steps:read",
    GetStepAudit: "steps:read",
    GetStepJournal: "steps:read",
  }),
  ...ofService("taskrun.v1.DeadLetterService", {
    ListDeadLetters: "dead_letters:read",
    GetDeadLetter: "dead_letters:read",
    GetDeadLetterStats: "dead_letters:read",
    ListInvestigationQueue: "dead_letters:read",
    ListStaleness: "dead_letters:read",
    UpdateDeadLetter: "dead_letters:update",
    RedriveDeadLetter: "tasks:retry",
  }),
  ...ofService("taskrun.v1.WorkerService", {
    ListWorkers: "workers:read",
    GetWorker: "workers:read",
    DrainWorker: "workers:drain",
    ListAgents: "agents:read",
  }),
  ...ofService("taskrun.v1.RunService", {
    StreamConnect: "workers:connect",
    GetRunInput: "workers:connect",
    GetStepResult: "workers:connect",
    GetJournal: "workers:connect",
  }),
  ...ofService("taskrun.v1.TemplateService", {
    Register: "templates:register",
    Get: "templates:read",
    List: "templates:read",
    Validate: "templates:validate",
  }),
  ...ofService("taskrun.v1.NodeService", { ListNodes: "workers:read" }),
  ...ofService("taskrun.v1.PauseService", {
    Pause: "pauses:write",
    Resume: "pauses:write",
    GetPause: "pauses:read",
    ListPauses: "pauses:read",
  }),
  ...ofService("taskrun.v1.AccessService", {
    CreateKey: "keys:write",
    ListKeys: "keys:read",
    RotateKey: "keys:write",
    RevokeKey: "keys:write",
    CreateWatchToken: "tasks:read",
  }),
  ...ofService("taskrun.v1.UsageService", { GetUsage: "tasks:list" }),
  ...ofService("taskrun.v1.AuditService", { ListAudit: "audit:read" }),
  ...ofService("taskrun.v1.AuthorityService", { GetAuthority: "ca:admin", RotateAuthority: "ca:admin" }),
  ...ofService("taskrun.v1.EnrollmentService", {
    InviteWorkers: "workers:invite",
    Enroll: "a token",
    RenewCertificate: "workers:connect",
    ListEnrolledWorkers: "workers:read",
    RevokeWorker: "workers:revoke",
  }),
  ...ofService("tasker.v1.TaskService", {
    CreateTask: "tasks:create",
    GetTask: "tasks:read",
    ListTasks: "tasks:list",
    CancelTask: "tasks:cancel",
    GetTaskContext: "tasks:read",
    GetTaskSummary: "tasks:read",
    StreamTaskStatus: "tasks:read",
  }),
  ...ofService("tasker.v1.StepService", {
    GetStep: "steps:read",
    ListSteps: "steps:read",
    ResolveStep: "steps:resolve",
    GetStepAudit: "steps:read",
  }),
  ...ofService("tasker.v1.DlqService", {
    ListEntries: "dead_letters:read",
    GetEntryByTask: "dead_letters:read",
    UpdateInvestigation: "dead_letters:update",
    GetStats: "dead_letters:read",
    GetInvestigationQueue: "dead_letters:read",
    GetStalenessMonitoring: "dead_letters:read",
  }),
  ...ofService("tasker.v1.HealthService", {
    CheckHealth: "nothing",
    CheckLiveness: "nothing",
    CheckReadiness: "nothing",
    CheckDetailedHealth: "nothing",
  }),
  ...ofService("tasker.v1.ConfigService", { GetConfig: "config:read" }),
  ...ofService("tasker.v1.TemplateService", {
    ListTemplates: "templates:read",
    GetTemplate: "templates:read",
  }),
  ...ofService("tasker.v1.AnalyticsService", {
    GetPerformanceMetrics: "metrics:read",
    GetBottleneckAnalysis: "metrics:read",
  }),
  ...ofService("tasker.v1.WorkerHealthService", {
    CheckHealth: "nothing",
    CheckLiveness: "nothing",
    CheckReadiness: "nothing",
    CheckDetailedHealth: "nothing",
  }),
  ...ofService("tasker.v1.WorkerConfigService", { GetConfig: "config:read" }),
  ...ofService("tasker.v1.WorkerTemplateService", {
    ListTemplates: "templates:read",
    GetTemplate: "templates:read",
  }),
  ...ofService("orchestrator.v1.Gateway", {
    SubmitTask: "tasks:create",
    SubscribeProgress: "tasks:read",
    HealthCheck: "nothing",
  }),
  ...ofService("orchestrator.v1.Scheduler", { RegisterWorker: "workers:connect", HealthCheck: "nothing" }),
  ...ofService("orchestrator.v1.Worker", { ExecuteTask: "tasks:create", HealthCheck: "nothing" }),
  ...ofService("grpc.health.v1.Health", { Check: "nothing", List: "nothing", Watch: "nothing" }),
  ...ofService("grpc.reflection.v1.ServerReflection", { ServerReflectionInfo: "a credential" }),
  ...ofService("grpc.reflection.v1alpha.ServerReflection", { ServerReflectionInfo: "a credential" }),
  ["/", "nothing"],
  ["/health", "nothing"],
  ["/health/live", "nothing"],
  ["/health/ready", "nothing"],
  ["/health/detailed", "nothing"],
  ["/metrics", "metrics:read"],
  ["/v1/enroll", "a token"],
  ["/v1/tasks/{id}/events", "tasks:read"],
  ["/v1/tasks/{id}/output", "tasks:read"],
  ["/api-docs/openapi.json", "nothing"],
  ["/api-docs/ui", "nothing"],
  ["/api-docs/ui/{file}", "nothing"],
  ["/docs", "nothing"],
  ["/inspect", "nothing"],
  ["/inspect/dagre.js", "nothing"],
  ["/inspect/{folder}/{file}", "nothing"],
  ["/inspect/events", "inspect:read"],
  ["/inspect/tasks/{id}/events", "inspect:read"],
]);

/**
 * Routes that also take a token for the one Task of their path, as the query parameter `access_token`: a page's `EventSource` can
 * send no header. What the route needs the caller had when the token was made.
 */
export const watchTokenRoutes: ReadonlySet<string> = new Set(["/v1/tasks/{id}/events"]);
