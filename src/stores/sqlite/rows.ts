import type { Lane } from "#domain/lane";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import { versionKey } from "#domain/version";
import type { SqlRow } from "./driver.js";
import { fixed, fixedJson, flag, json, plain, rest, table } from "./table.js";

/** A Task with a column for what SQL looks at; its log has no part in its revision. */
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
    finishedAt: plain,
    holdsKey: flag,
    createdAt: rest,
    reason: rest,
    errorMessage: rest,
    tolerated: rest,
    isolated: rest,
    opened: rest,
    compensatedBy: rest,
    inputBytes: rest,
  },
  { agentName: ({ spec }) => spec.agentName, idempotencyKey: ({ spec }) => spec.idempotencyKey },
);

export const stepTable = table<StepRow>("steps", ["taskId", "name"], {
  taskId: fixed,
  name: fixed,
  revision: plain,
  state: plain,
  spec: fixedJson,
  dependsOn: json,
  dependants: json,
  unsatisfied: plain,
  lane: plain,
  rank: plain,
  agentName: rest,
  members: rest,
  fence: rest,
  attempts: rest,
  maxAttempts: rest,
  declines: rest,
  avoidWorker: rest,
  avoidUntil: rest,
  nextAttemptAt: rest,
  runId: rest,
  outputBytes: rest,
  errorMessage: rest,
  hasInput: rest,
  signalled: rest,
  childId: rest,
  startedAt: rest,
  finishedAt: rest,
  order: rest,
  inputBytes: rest,
});

export const runTable = table<RunRow>("runs", ["id"], {
  id: fixed,
  taskId: fixed,
  stepName: fixed,
  revision: plain,
  status: plain,
  heldBy: plain,
  namespace: rest,
  session: rest,
  principal: rest,
  workerId: rest,
  instance: rest,
  agentName: rest,
  fence: rest,
  attempt: rest,
  ordinal: rest,
  createdAt: rest,
  startedAt: rest,
  finishedAt: rest,
  reason: rest,
  errorMessage: rest,
  backend: rest,
  nextSeq: rest,
  outputBytes: rest,
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

/** A template never changes either. Its version is there twice: as it is, and as it sorts. */
export const templates = {
  columns: "namespace, name, version, version_key, digest, body, source, registered_at",
  json: (prefix: string) => `json_object('namespace', ${prefix}namespace, 'name', ${prefix}name,
    'version', ${prefix}version, 'digest', ${prefix}digest, 'body', json(${prefix}body),
    'source', ${prefix}source, 'registeredAt', ${prefix}registered_at)`,
  values: ({ namespace, name, version, digest, body, source, registeredAt }: TemplateRow): SqlRow => [
    namespace,
    name,
    version,
    versionKey(version),
    digest,
    JSON.stringify(body),
    source,
    registeredAt,
  ],
};
