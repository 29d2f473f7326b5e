import type { Lane } from "#domain/lane";
import type { RunRow } from "#domain/run";
import type { StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import type { TemplateRow } from "#domain/template";
import { versionKey } from "#domain/version";
import type { SqlRow } from "./driver.js";
import { fixed, fixedJson, flag, json, named, plain, table } from "./table.js";

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
    tolerated: plain,
    isolated: plain,
    opened: json,
    holdsKey: flag,
    compensatedBy: plain,
  },
  { agentName: ({ spec }) => spec.agentName, idempotencyKey: ({ spec }) => spec.idempotencyKey },
);

export const stepTable = table<StepRow>("steps", ["taskId", "name"], {
  taskId: fixed,
  name: fixed,
  revision: plain,
  state: plain,
  agentName: fixed,
  spec: fixedJson,
  dependsOn: json,
  dependants: json,
  members: json,
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
  hasInput: flag,
  signalled: flag,
  childId: plain,
  startedAt: plain,
  finishedAt: plain,
  // "order" is a word of SQL.
  order: named("finished_order", plain),
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
