import type { Plan } from "../graph/plan.js";
import { millis, NEVER } from "../time/time.js";
import { followingBudget } from "./budget.js";
import type { TaskSpec } from "./task.js";

/**
 * The only place where specs of Tasks are made, so that a new field of {@link TaskSpec} gets its value for every kind
 * of Task here.
 */

/** The fields that a template defines for its Tasks. */
type OfTemplate = "holdOnFailure" | "template" | "undoes";

/** The fields that a client can set. Those left out get their default. */
export type AskedSpec = Pick<TaskSpec, "principal" | "environment"> &
  Partial<Omit<TaskSpec, OfTemplate | "traceparent">> & { readonly traceparent?: string | undefined };

/**
 * The spec of a Task that a client creates.
 *
 * @param plan the plan of its template; absent if it names an agent
 */
export function newTaskSpec(asked: AskedSpec, plan?: Plan): TaskSpec {
  // Names every field: an object made by spreads becomes a dictionary in V8, which is several times slower to read.
  const spec: { -readonly [Field in keyof TaskSpec]: TaskSpec[Field] } = {
    agentName: asked.agentName ?? "",
    priority: asked.priority ?? 0,
    timeoutMs: asked.timeoutMs ?? millis(0),
    maxAttempts: asked.maxAttempts ?? 0,
    maxLosses: asked.maxLosses ?? null,
    labels: asked.labels ?? {},
    workerSelector: asked.workerSelector ?? {},
    createdBy: asked.createdBy ?? "",
    correlationId: asked.correlationId ?? "",
    startAt: asked.startAt ?? NEVER,
    retryOf: asked.retryOf ?? "",
    idempotencyKey: asked.idempotencyKey ?? "",
    fingerprint: asked.fingerprint ?? "",
    keyFor: asked.keyFor ?? millis(0),
    holdOnFailure: plan?.holdOnFailure ?? false,
    principal: asked.principal,
    template: plan?.template ?? null,
    environment: asked.environment,
    parent: asked.parent ?? null,
    depth: asked.depth ?? 0,
    compensates: asked.compensates ?? "",
    isCompensable: plan?.isCompensable ?? false,
  };
  if (asked.budget) spec.budget = asked.budget;
  if (asked.warnings) spec.warnings = asked.warnings;
  if (asked.traceparent) spec.traceparent = asked.traceparent;
  return spec;
}

/**
 * The spec of a Task that follows from another one: same principal, namespace, priority and so on. Not inherited are
 * the start, the idempotency key, the warnings, and of which Task it is a retry, a fork or a compensation.
 */
export function followingTaskSpec(spec: TaskSpec, own: Partial<TaskSpec>): TaskSpec {
  const { warnings: _, forkedFrom: __, budget: ___, budgetsAbove: ____, ...inherited } = spec;
  return {
    ...inherited,
    ...followingBudget(spec, own),
    startAt: NEVER,
    retryOf: "",
    idempotencyKey: "",
    fingerprint: "",
    keyFor: millis(0),
    compensates: "",
    ...own,
  };
}
