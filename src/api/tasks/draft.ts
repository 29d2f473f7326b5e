import { Fault } from "#domain/fault";
import type { Plan } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import { isJsonObject } from "#domain/json/json";
import { defaultBudget, isBudget } from "#domain/task/budget";
import { followingTaskSpec, newTaskSpec } from "#domain/task/spec";
import { isTerminal, type TaskDraft, type TaskRow, type TaskSpec } from "#domain/task/task";
import { templateKey } from "#domain/template/template";
import { misfitOf, schemaReason } from "#domain/template/verdict";
import { decidingOf, type KnownAgent } from "#domain/worker/agent";
import { limits } from "#limits/index";
import type { Schemas } from "#ports/schemas";
import type { TaskDetail } from "#ports/store";
import type { NewTaskResource } from "../authorize.js";
import { type Request, readsOf } from "../use-case.js";
import { agentsOf, checkAgentInput, type InputCheck, unknownAgents } from "./agent-terms.js";
import { type Identity, identityOf } from "./identity.js";
import type { NewTask } from "./new-task-input.js";
import { traceFor } from "./trace.js";

/**
 * Makes a draft with a new id of a request for a Task.
 *
 * @param place its namespace, and the template that it names, with the version
 * @throws {Fault} `not_found` if there is no such template, `invalid` if it or the agent does not take the input, or if it
 *   wants a key of the caller's own
 */
export async function draftOf(
  asked: NewTask,
  { namespace, template }: NewTaskResource,
  request: Request,
): Promise<TaskDraft> {
  const { caller, services } = request;
  const { entropy, environment, schemas, plans, plane } = services;
  const plan = template && (await plans.find(template, environment, readsOf(request)));
  const agent = plan ? undefined : plane.agent(namespace, asked.agentName);
  const checking = plan
    ? checkInput(plan, asked.inputJson, schemas)
    : agent && checkAgentInput(agent, asked.inputJson, schemas);
  const { refusal, warnings = [] } = (checking && (await checking)) ?? NOTHING_SAID;
  const unknown = agent ? [] : unknownAgents(plan ? agentsOf(plan) : [asked.agentName], namespace, plane);
  const said = [...warnings, ...unknown];
  const { timeoutMs, maxAttempts, maxLosses } = asked;
  const { budgets = new Map() } = services;
  const budget = isBudget(asked.budget) ? asked.budget : defaultBudget(budgets, namespace, asked.agentName);
  const { idempotencyKey, fingerprint, keyFor } = identityOf(asked, namespace, plan);
  // The Task of a known key is there already, and may be older than the schema: whether it is known, the actor sees.
  if (refusal && idempotencyKey === "") throw refusal;
  const id = entropy.uuid() as TaskId;
  return {
    id,
    namespace,
    input: asked.inputJson,
    ...(plan && { plan }),
    ...(refusal && { refusal }),
    spec: newTaskSpec(
      {
        agentName: asked.agentName,
        priority: asked.priority,
        timeoutMs: timeoutMs || (plan?.timeoutMs ?? timeoutMs),
        maxAttempts: plan ? maxAttempts : maxAttempts || attemptsOf(agent),
        maxLosses: maxLosses ?? null,
        labels: asked.labels,
        workerSelector: asked.workerSelector,
        createdBy: asked.createdBy,
        correlationId: asked.correlationId,
        startAt: asked.startAtMs,
        idempotencyKey,
        fingerprint,
        keyFor,
        principal: caller.principal,
        environment,
        traceparent: traceFor({ id, agentName: asked.agentName, template: plan?.template ?? null }, request),
        ...(budget && { budget }),
        ...(said.length > 0 && { warnings: said }),
      },
      plan,
    ),
  };
}

const NOTHING_SAID: InputCheck = {};

/** What a Task gets whose request does not say it. */
function attemptsOf(agent: KnownAgent | undefined): number {
  return (agent && decidingOf(agent))?.retry.attempts ?? limits.defaultAttempts;
}

/** In what way work is done again. */
interface Again {
  readonly verb: "retry" | "fork";
  /** What the new Task says of the old one. */
  link(old: TaskId): Pick<TaskSpec, "retryOf"> | Pick<TaskSpec, "forkedFrom">;
}

const RETRY: Again = { verb: "retry", link: (retryOf) => ({ retryOf }) };
export const FORK: Again = { verb: "fork", link: (forkedFrom) => ({ forkedFrom }) };

/**
 * Makes a draft for the same work as an ended Task, to start at once, with the same template version and environment.
 *
 * @throws {Fault} `wrong_state` if the Task has not ended, is being compensated, or is a part of another Task
 */
export async function draftAgain(
  { task, input }: Pick<TaskDetail, "task" | "input">,
  identity: Identity,
  request: Request,
  again: Again = RETRY,
): Promise<TaskDraft> {
  const { caller } = request;
  const { entropy, plans, plane, stored } = request.services;
  checkAgain(task, again.verb);
  if (task.compensatedBy !== "") checkCompensated(task, await readsOf(request).task(task.compensatedBy));
  // The template that a Task was made of may be of another namespace than the Task, and is still what it was made of.
  const own = { ...caller, namespaces: [task.spec.template?.namespace ?? ""] };
  // A retry is asked for by another request, in a trace of its own.
  const { traceparent: _, ...spec } = task.spec;
  const { template, environment, agentName } = spec;
  const plan = template && (await plans.find(template, environment, stored.for(own)));
  const warnings = unknownAgents(plan ? agentsOf(plan) : [agentName], task.namespace, plane);
  const id = entropy.uuid() as TaskId;
  const traceparent = traceFor({ id, agentName, template }, request);
  return {
    id,
    namespace: task.namespace,
    input,
    ...(plan && { plan }),
    spec: followingTaskSpec(spec, {
      ...again.link(task.id),
      ...identity,
      principal: request.caller.principal,
      ...(warnings.length > 0 && { warnings }),
      ...(traceparent && { traceparent }),
    }),
  };
}

/** @throws {Fault} `wrong_state` if the Task cannot be done again, as far as its row tells */
export function checkAgain({ id, state, spec: { parent, compensates } }: TaskRow, verb: Again["verb"]): void {
  if (parent) {
    const message = `Task ${id} is Step "${parent.stepName}" of Task ${parent.taskId}: ${verb} that one.`;
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
  const way = verb === "fork" ? "Resolve its Step instead, cancel it first," : "Cancel it first,";
  const message = `Task ${id} has not ended: it is ${state}. ${way} or wait for its end.`;
  throw new Fault("wrong_state", message, { reason: "TASK_NOT_ENDED", metadata: { state } });
}

/** What the same work does anew must not be undone by the compensation of what it did before. */
function checkCompensated({ id }: TaskRow, compensation: TaskDetail | undefined): void {
  if (!compensation || isTerminal(compensation.task.state)) return;
  const { id: compensatedBy, state } = compensation.task;
  const message = `Task ${id} is being compensated by Task ${compensatedBy}, which is ${state}: wait for its end, or cancel it, and then try again.`;
  throw new Fault("wrong_state", message, {
    reason: "BEING_COMPENSATED",
    metadata: { compensated_by: compensatedBy },
  });
}

/** Checks the input by the template's schema; the refusal names every place. */
export async function checkInput(
  { template, inputSchema }: Plan,
  json: string,
  schemas: Schemas,
): Promise<InputCheck | undefined> {
  const field = "input_json";
  const input: unknown = JSON.parse(json);
  if (!isJsonObject(input)) {
    const message = `${field} is no JSON object, which template ${templateKey(template)} takes: send {…}.`;
    return { refusal: new Fault("invalid", message, { field }) };
  }
  if (!inputSchema) return undefined;
  const verdict = schemas.known(inputSchema, json) ?? (await schemas.judge(inputSchema, json));
  if (verdict.type === "fits") return undefined;
  const message = misfitOf(field, `input_schema of template ${templateKey(template)}`, verdict);
  return {
    refusal: new Fault("invalid", message, { field, reason: schemaReason(verdict) ?? "INPUT_SCHEMA" }),
  };
}
