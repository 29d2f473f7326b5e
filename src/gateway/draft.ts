import { createHash } from "node:crypto";
import { type Caller, DEFAULT_NAMESPACE } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { Labels, TaskDraft } from "#domain/task";
import { NEVER } from "#domain/time";
import type { TaskDetail } from "#ports/store";
import type { Call } from "./rpc.js";
import type { CheckedTask } from "./schemas.js";

/** What the request asks for, with an id of its own; whether the caller may, the plane decides. */
export function draftOf(request: CheckedTask, { caller, entropy }: Call): TaskDraft {
  const namespace = request.namespace || ownNamespace(caller);
  return {
    id: entropy.uuid() as TaskId,
    namespace,
    input: request.inputJson,
    spec: {
      agentName: request.agentName,
      priority: request.priority,
      timeoutMs: request.timeoutMs,
      maxAttempts: request.maxAttempts,
      labels: request.labels,
      workerSelector: request.workerSelector,
      createdBy: request.createdBy,
      correlationId: request.correlationId,
      startAt: request.startAtMs,
      retryOf: "",
      idempotencyKey: request.idempotencyKey,
      fingerprint: request.idempotencyKey && fingerprint(request, namespace),
      holdOnFailure: false,
      principal: caller.principal,
    },
  };
}

/** The same work once more, at once, as a Task of its own. */
export function draftAgain({ task, input }: TaskDetail, idempotencyKey: string, call: Call): TaskDraft {
  return {
    id: call.entropy.uuid() as TaskId,
    namespace: task.namespace,
    input,
    spec: {
      ...task.spec,
      startAt: NEVER,
      retryOf: task.id,
      idempotencyKey,
      fingerprint: idempotencyKey && sha256(["RetryTask", task.id]),
      principal: call.caller.principal,
    },
  };
}

function ownNamespace({ namespaces }: Caller): string {
  return (namespaces === "*" ? undefined : namespaces[0]) ?? DEFAULT_NAMESPACE;
}

/** Of all that makes two requests the same: everything after defaults but the key and the correlation id. */
function fingerprint(request: CheckedTask, namespace: string): string {
  return sha256([
    "CreateTask",
    namespace,
    request.agentName,
    request.inputJson,
    request.createdBy,
    sorted(request.labels),
    request.priority,
    request.timeoutMs,
    request.maxAttempts,
    sorted(request.workerSelector),
    request.startAtMs,
  ]);
}

function sorted(labels: Labels): readonly (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

function sha256(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
