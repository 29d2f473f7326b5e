import { type Caller, DEFAULT_NAMESPACE, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { isJsonObject } from "#domain/json";
import { limits } from "#domain/limits";
import type { Plan } from "#domain/plan";
import { namespaceDenied } from "#domain/refusals";
import { isTerminal, type TaskDraft, type TaskRow } from "#domain/task";
import { type TemplateRef, templateKey } from "#domain/template";
import { NEVER } from "#domain/time";
import { misfitOf, schemaReason } from "#domain/verdict";
import type { Schemas } from "#ports/schemas";
import type { TaskDetail } from "#ports/store";
import { identityOf, identityOfRetry } from "./identity.js";
import { templateNotFound } from "./plans.js";
import type { Call } from "./rpc.js";
import type { CheckedTask } from "./schemas.js";

/**
 * What the request asks for, with an id of its own; whether the caller may, the plane decides.
 *
 * @throws {Fault} `not_found` if there is no such template, `invalid` if it does not take the input or wants
 *   a key of the caller's own
 */
export async function draftOf(asked: CheckedTask, call: Call): Promise<TaskDraft> {
  const { caller, entropy, environment, schemas } = call;
  const namespace = asked.namespace || ownNamespace(caller);
  const plan = asked.template && (await planFor(asked.template, namespace, call));
  if (plan) await checkInput(plan, asked.inputJson, schemas);
  const request = plan ? asked : { ...asked, maxAttempts: asked.maxAttempts || limits.defaultAttempts };
  return {
    id: entropy.uuid() as TaskId,
    namespace,
    input: request.inputJson,
    ...(plan && { plan }),
    spec: {
      agentName: request.agentName,
      priority: request.priority,
      timeoutMs: request.timeoutMs || (plan?.timeoutMs ?? request.timeoutMs),
      maxAttempts: request.maxAttempts,
      labels: request.labels,
      workerSelector: request.workerSelector,
      createdBy: request.createdBy,
      correlationId: request.correlationId,
      startAt: request.startAtMs,
      retryOf: "",
      ...identityOf(request, namespace, plan),
      holdOnFailure: plan?.holdOnFailure ?? false,
      principal: caller.principal,
      template: plan?.template ?? null,
      environment,
      parent: null,
      depth: 0,
      compensates: "",
      undoes: plan?.undoes ?? false,
    },
  };
}

/**
 * The same work once more, at once, as a Task of its own, by the version and environment it was made from.
 *
 * @throws {Fault} `wrong_state` if it has not ended, or is a part of another Task
 */
export async function draftAgain(
  { task, input }: TaskDetail,
  idempotencyKey: string,
  { caller, entropy, plans }: Call,
): Promise<TaskDraft> {
  checkAgain(task);
  const { template, environment } = task.spec;
  const plan = template && (await plans.find(template, environment));
  return {
    id: entropy.uuid() as TaskId,
    namespace: task.namespace,
    input,
    ...(plan && { plan }),
    spec: {
      ...task.spec,
      startAt: NEVER,
      retryOf: task.id,
      ...identityOfRetry(task.id, idempotencyKey),
      principal: caller.principal,
    },
  };
}

function checkAgain({ id, state, spec: { parent, compensates } }: TaskRow): void {
  if (parent) {
    const message = `Task ${id} is Step "${parent.stepName}" of Task ${parent.taskId}: retry that one.`;
    throw new Fault("wrong_state", message, {
      reason: "TASK_IS_STEP",
      metadata: { parent_task_id: parent.taskId },
    });
  }
  if (compensates !== "") {
    const message = `Task ${id} undoes what Task ${compensates} did, which is done only once: put right by hand what its Steps name.`;
    throw new Fault("wrong_state", message, { reason: "TASK_COMPENSATES", metadata: { compensates } });
  }
  if (isTerminal(state)) return;
  const message = `Task ${id} has not ended: it is ${state}. Cancel it first, or wait for its end.`;
  throw new Fault("wrong_state", message, { reason: "TASK_NOT_ENDED", metadata: { state } });
}

/** The namespace a caller means that names none. */
export function ownNamespace({ namespaces }: Caller): string {
  return (namespaces === "*" ? undefined : namespaces[0]) ?? DEFAULT_NAMESPACE;
}

async function planFor(named: TemplateRef, taskNamespace: string, call: Call): Promise<Plan> {
  const { caller, plans, environment } = call;
  if (!mayUse(caller, taskNamespace)) throw namespaceDenied(taskNamespace);
  const ref = { ...named, namespace: named.namespace || taskNamespace };
  if (!mayUse(caller, ref.namespace)) throw templateNotFound(ref);
  return plans.find(ref, environment);
}

/** Throws `invalid` if the template does not take the input, naming every place. */
async function checkInput({ template, inputSchema }: Plan, json: string, schemas: Schemas): Promise<void> {
  const field = "input_json";
  const input: unknown = JSON.parse(json);
  if (!isJsonObject(input)) {
    const message = `${field} is no JSON object, which template ${templateKey(template)} takes: send {…}.`;
    throw new Fault("invalid", message, { field });
  }
  if (!inputSchema) return;
  const verdict = schemas.known(inputSchema, json) ?? (await schemas.judge(inputSchema, json));
  if (verdict.type === "fits") return;
  const message = misfitOf(field, `input_schema of template ${templateKey(template)}`, verdict);
  throw new Fault("invalid", message, { field, reason: schemaReason(verdict) ?? "INPUT_SCHEMA" });
}
