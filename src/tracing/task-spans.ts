import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { type TaskRow, taskStatus } from "#domain/task/task";
import { ownTrace, runSpanId, stepSpanId, type TraceContext, taskSpanId, traceOf } from "#domain/task/trace";
import { templateKey } from "#domain/template/template";
import { type Instant, NEVER } from "#domain/time/time";
import type { NewTrace } from "#ports/tracing";

/** A span that has ended, made of a row. It has no inputs, results, labels or messages: these may be secret. */
export interface SpanData {
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  /** Its own ids. */
  readonly context: TraceContext;
  readonly parent?: { readonly spanId: string; readonly isRemote: boolean };
  readonly from: Instant;
  readonly to: Instant;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly { readonly context: TraceContext; readonly relation: string }[];
  /** The reason of a failure; undefined if there was none. */
  readonly error?: string;
}

/** `task NAMESPACE/TEMPLATE` or `task AGENT`: no ids, so that spans of the same work have the same name. */
export function taskName({ agentName, template }: Pick<NewTrace, "agentName" | "template">): string {
  return `task ${template ? `${template.namespace}/${template.name}` : agentName}`;
}

/**
 * The span of a Task, from its creation to its end. Below the Step whose child it is, the Task that it compensates, or the
 * client; otherwise it is the root.
 */
export function taskSpan(task: TaskRow, retried?: TaskRow): SpanData {
  const { id, namespace, spec, createdAt, finishedAt, reason } = task;
  const { parent, compensates, template, retryOf } = spec;
  const trace = traceIn(task);
  const status = taskStatus(task);
  const above = parent ? stepSpanId(parent) : compensates === "" ? trace.spanId : taskSpanId(compensates);
  const own = taskSpanId(id);
  return {
    name: taskName(spec),
    kind: parent || compensates !== "" ? "internal" : "server",
    context: { ...trace, spanId: own },
    ...(above !== own && { parent: { spanId: above, isRemote: above === trace.spanId } }),
    from: createdAt,
    to: finishedAt,
    attributes: {
      "taskrun.task.id": id,
      "taskrun.namespace": namespace,
      ...(template ? { "taskrun.template": templateKey(template) } : { "taskrun.agent": spec.agentName }),
      ...outcome(status, reason),
      ...(retryOf !== "" && { "taskrun.retry_of": retryOf }),
      ...(compensates !== "" && { "taskrun.compensates": compensates }),
    },
    links: [
      ...(compensates === ""
        ? []
        : [{ context: { ...trace, spanId: taskSpanId(compensates) }, relation: "compensates" }]),
      ...(retried ? [{ context: spanOf(retried), relation: "retry_of" }] : []),
    ],
    ...errorOf(status, reason),
  };
}

/** The span of a Step, from its first beginning to its end: below its Task, or the batch or map that made it. */
export function stepSpan(step: StepRow, task: TaskRow, reason: string): SpanData {
  const { taskId, name, agentName, state, spec, attempts, startedAt, finishedAt } = step;
  const { member, planned } = spec;
  const trace = traceIn(task);
  // What a compensation does in turn is a chain of members of no Step.
  const group = task.spec.compensates === "" ? member?.group : undefined;
  const above = group === undefined ? taskSpanId(taskId) : stepSpanId({ taskId, stepName: group });
  const status = stepStatus(state);
  return {
    name: `step ${planned}`,
    kind: "internal",
    context: { ...trace, spanId: stepSpanId({ taskId, stepName: name }) },
    parent: { spanId: above, isRemote: false },
    from: startedAt === NEVER ? finishedAt : startedAt,
    to: finishedAt,
    attributes: {
      "taskrun.task.id": taskId,
      "taskrun.step": name,
      "taskrun.step.type": spec.type,
      ...(agentName !== "" && { "taskrun.agent": agentName }),
      ...(attempts > 0 && { "taskrun.attempt": attempts }),
      ...outcome(status, status === "COMPLETED" ? "" : reason),
    },
    links: [],
    ...errorOf(status, reason || "STEP_FAILED"),
  };
}

/** The span of a Run, from its assignment to its end: below its Step, and above what the worker records. */
export function runSpan(run: RunRow, task: TaskRow): SpanData {
  const { id, taskId, stepName, agentName, attempt, fence, workerId, status, reason } = run;
  return {
    name: `run ${agentName}`,
    kind: "client",
    context: { ...traceIn(task), spanId: runSpanId(id) },
    parent: { spanId: stepSpanId({ taskId, stepName }), isRemote: false },
    from: run.createdAt,
    to: run.finishedAt,
    attributes: {
      "taskrun.task.id": taskId,
      "taskrun.step": stepName,
      "taskrun.run.id": id,
      "taskrun.agent": agentName,
      "taskrun.attempt": attempt,
      "taskrun.fence": fence,
      "taskrun.worker.id": workerId,
      ...outcome(status, reason),
    },
    links: [],
    ...errorOf(status, reason),
  };
}

/** The place of a Task whose trace is known to be recorded. */
function traceIn({ id, spec }: TaskRow): TraceContext {
  return traceOf(spec) ?? { ...ownTrace(id), flags: 1 };
}

function spanOf(task: TaskRow): TraceContext {
  return { ...traceIn(task), spanId: taskSpanId(task.id) };
}

function outcome(status: string, reason: string): Record<string, string> {
  return { "taskrun.status": status, ...(reason !== "" && { "taskrun.reason": reason }) };
}

function errorOf(status: string, reason: string): { error?: string } {
  return status === "FAILED" ? { error: reason } : {};
}

function stepStatus(state: StepRow["state"]): string {
  if (state === "error") return "FAILED";
  return state === "cancelled" ? "CANCELLED" : "COMPLETED";
}
