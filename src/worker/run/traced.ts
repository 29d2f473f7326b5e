import type { Context, Span } from "@opentelemetry/api";
import { readTraceparent } from "#domain/task/trace";
import { type OpenTelemetryApi, traceparentOf } from "#transport/open-telemetry";
import { RunStopped } from "../agent/error.js";
import type { Outcome } from "../protocol/frames.js";
import type { Assignment } from "./assignment.js";

/** Performs a Run. @param traceparent the span that is active meanwhile; undefined if there is none */
type Perform = (traceparent: string | undefined) => Promise<Outcome>;

/**
 * Performs a Run within a span of its own, below the server's, which is active while the agent runs: the spans that the agent
 * makes are below it. Whatever OpenTelemetry throws, the Run is performed.
 */
export async function performTraced(
  loading: OpenTelemetryApi | Promise<OpenTelemetryApi | undefined>,
  assignment: Assignment,
  signal: AbortSignal,
  perform: Perform,
): Promise<Outcome> {
  const api = loading instanceof Promise ? await loading : loading;
  if (!api) return perform(assignment.traceparent);
  const begun = attempt(() => begin(api, assignment));
  if (!begun) return perform(assignment.traceparent);
  const { span, context } = begun;
  const traceparent = attempt(() => traceparentOf(span.spanContext())) ?? assignment.traceparent;
  const outcome = await api.context.with(context, () => perform(traceparent));
  attempt(() => end(api, span, outcome, signal));
  return outcome;
}

function begin(
  { trace, SpanKind, ROOT_CONTEXT }: OpenTelemetryApi,
  { runId, taskId, stepName, agentName, attempt: number, traceparent }: Assignment,
): { readonly span: Span; readonly context: Context } {
  const parent = readTraceparent(traceparent);
  const above = parent
    ? trace.setSpanContext(ROOT_CONTEXT, {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.flags,
        isRemote: true,
      })
    : ROOT_CONTEXT;
  const attributes = {
    "taskrun.task.id": taskId,
    "taskrun.step": stepName,
    "taskrun.run.id": runId,
    "taskrun.agent": agentName,
    "taskrun.attempt": number,
  };
  const span = trace
    .getTracer("taskrun")
    .startSpan(`run ${agentName}`, { kind: SpanKind.SERVER, attributes }, above);
  return { span, context: trace.setSpan(above, span) };
}

/** Error messages are not recorded: they may have what is secret. */
function end({ SpanStatusCode }: OpenTelemetryApi, span: Span, outcome: Outcome, signal: AbortSignal): void {
  const why = signal.aborted && signal.reason instanceof RunStopped ? signal.reason.why : undefined;
  const isCancelled = why === "cancelled";
  span.setAttribute("taskrun.status", isCancelled ? "CANCELLED" : outcome.status);
  if (why !== undefined) span.setAttribute("taskrun.stopped", why);
  if (outcome.status === "FAILED" && !isCancelled) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.reason ?? "AGENT_ERROR" });
  }
  span.end();
}

/** Fields of a log entry that lead to the trace. */
export function traceFields(traceparent: string | undefined): { trace_id?: string; span_id?: string } {
  if (traceparent === undefined) return {};
  return { trace_id: traceparent.slice(3, 35), span_id: traceparent.slice(36, 52) };
}

/** What a provider of the host's throws is its own affair. */
function attempt<Made>(make: () => Made): Made | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
