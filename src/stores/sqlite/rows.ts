import type { Lane } from "#domain/lane";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import { fixed, fixedJson, flag, json, plain, table } from "./table.js";

/** The Tasks as they lie in `tasks`, less the seq of their log, which has no part in the row's revision. */
export const taskTable = table<TaskRow>(
  "tasks",
  ["id"],
  {
    id: fixed,
    namespace: fixed,
    revision: plain,
    state: plain,
    spec: fixedJson,
    counts: json,
    hasRun: flag,
    createdAt: fixed,
    finishedAt: plain,
    reason: plain,
    errorMessage: plain,
  },
  { agentName: ({ spec }) => spec.agentName, idempotencyKey: ({ spec }) => spec.idempotencyKey },
);

export const stepTable = table<StepRow>("steps", ["taskId", "name"], {
  taskId: fixed,
  name: fixed,
  revision: plain,
  state: plain,
  agentName: fixed,
  dependsOn: fixedJson,
  unsatisfied: plain,
  fence: plain,
  attempts: plain,
  maxAttempts: plain,
  declines: plain,
  avoidWorker: plain,
  avoidUntil: plain,
  lane: plain,
  rank: plain,
  nextAttemptAt: plain,
  runId: plain,
  outputBytes: plain,
  errorMessage: plain,
});

export const runTable = table<RunRow>("runs", ["id"], {
  id: fixed,
  taskId: fixed,
  stepName: fixed,
  namespace: fixed,
  revision: plain,
  status: plain,
  heldBy: plain,
  session: plain,
  principal: fixed,
  workerId: plain,
  instance: plain,
  agentName: fixed,
  fence: fixed,
  attempt: plain,
  ordinal: plain,
  createdAt: fixed,
  startedAt: plain,
  finishedAt: plain,
  reason: plain,
  errorMessage: plain,
  backend: json,
  nextSeq: plain,
  outputBytes: plain,
});

/** A lane never changes: it is there or not. */
export const lanes = {
  columns: "key, namespace, agent_name, selector",
  json: "json_object('key', key, 'namespace', namespace, 'agentName', agent_name, 'selector', json(selector))",
  values: ({ key, namespace, agentName, selector }: Lane) => [
    key,
    namespace,
    agentName,
    JSON.stringify(selector),
  ],
};
