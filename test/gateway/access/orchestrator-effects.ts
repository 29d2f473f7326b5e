/** What the rpcs of orchestrator.v1 leave in the audit log: nothing but what `audit-table.test.ts` calls ordinary work. */
export const orchestratorEffects = {
  "orchestrator.v1.Gateway/SubmitTask": "own",
  "orchestrator.v1.Gateway/SubscribeProgress": "reads",
  "orchestrator.v1.Gateway/HealthCheck": "reads",
  "orchestrator.v1.Scheduler/RegisterWorker": "own",
  "orchestrator.v1.Scheduler/HealthCheck": "reads",
  "orchestrator.v1.Worker/ExecuteTask": "own",
  "orchestrator.v1.Worker/HealthCheck": "reads",
} as const;
