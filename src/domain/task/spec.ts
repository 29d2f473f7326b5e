import type { Plan } from "../graph/plan.js";
import { millis, NEVER } from "../time/time.js";
import type { TaskSpec } from "./task.js";

/**
 * The specs of Tasks are assembled here and nowhere else, so that a field that is added to {@link TaskSpec} has its
 * value for every Task that is made in one place.
 */

/** What a template says of each of its Tasks. */
type OfTemplate = "holdOnFailure" | "template" | "undoes";

/** What a client can ask for. What is left out is as if nobody had asked for it. */
export type AskedSpec = Pick<TaskSpec, "principal" | "environment"> & Partial<Omit<TaskSpec, OfTemplate>>;

/**
 * Of a Task that a client asks for.
 *
 * @param plan of the template that it is made from; absent if it names an agent
 */
export function newTaskSpec(asked: AskedSpec, plan?: Plan): TaskSpec {
  // Names every field: of spreads the engine would make a table, which costs several times as much wherever it is read.
  return {
    agentName: asked.agentName ?? "",
    priority: asked.priority ?? 0,
    timeoutMs: asked.timeoutMs ?? millis(0),
    maxAttempts: asked.maxAttempts ?? 0,
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
}

/**
 * Of a Task that is made because of another one: the same for whom, where and how urgently. When it is to begin, the
 * key it is known by, and what it is a retry or a compensation of, are the other one's own and are not taken over.
 */
export function followingTaskSpec(spec: TaskSpec, own: Partial<TaskSpec>): TaskSpec {
  return {
    ...spec,
    startAt: NEVER,
    retryOf: "",
    idempotencyKey: "",
    fingerprint: "",
    keyFor: millis(0),
    compensates: "",
    ...own,
  };
}
