import {
  type Context,
  ROOT_CONTEXT,
  type Sampler,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ownTrace, type TraceContext, writeTraceparent } from "#domain/task/trace";
import type { Instant } from "#domain/time/time";
import type { Log } from "#ports/telemetry";
import type { NewTrace, Tracing } from "#ports/tracing";
import { runSpan, type SpanData, stepSpan, taskName, taskSpan } from "./task-spans.js";

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };

/** `SamplingDecision.RECORD_AND_SAMPLED` of the SDKs. */
const RECORD_AND_SAMPLED = 2;

/**
 * The Tracing port by a tracer of an OpenTelemetry SDK. The sampler of its provider decides once for each Task; after that
 * spans are recorded with ids of ours, and with the times of the rows.
 *
 * @returns undefined if the tracer does not let ids be chosen
 */
export function planeTracing(tracer: Tracer, log: Log): Tracing | undefined {
  const chosen = withChosenIds(tracer);
  if (!chosen) return undefined;
  const { sampler, record } = chosen;
  let hasComplained = false;
  const safely = (work: () => void): void => {
    try {
      work();
    } catch (err) {
      if (!hasComplained) log.error("a span cannot be recorded; further ones are not reported", { err });
      hasComplained = true;
    }
  };
  return {
    begin(task, parent) {
      let isSampled = false;
      safely(() => {
        isSampled = isSampledBy(sampler, task, parent);
      });
      const random = (parent?.flags ?? 0) & ~TraceFlags.SAMPLED;
      return writeTraceparent({ ...(parent ?? ownTrace(task.id)), flags: random | Number(isSampled) });
    },
    taskEnded: (task, retried) => safely(() => record(taskSpan(task, retried))),
    stepEnded: (step, task, reason) => safely(() => record(stepSpan(step, task, reason))),
    runEnded: (run, task) => safely(() => record(runSpan(run, task))),
  };
}

function isSampledBy(sampler: Sampler, task: NewTrace, parent: TraceContext | undefined): boolean {
  const { traceId } = parent ?? ownTrace(task.id);
  const context = parent ? below(parent, parent.spanId, true) : ROOT_CONTEXT;
  const { decision } = sampler.shouldSample(context, traceId, taskName(task), SpanKind.SERVER, {}, []);
  return (decision as number) === RECORD_AND_SAMPLED;
}

/** A context whose span has this id. */
function below({ traceId, flags }: TraceContext, spanId: string, isRemote: boolean): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote });
}

interface ChosenIds {
  /** What the provider samples by. */
  readonly sampler: Sampler;
  /** Records an ended span. @throws if the tracer does */
  readonly record: (span: SpanData) => void;
}

/**
 * A tracer like the given one, but with ids of ours, and that records everything. The API has no way to choose an id; the SDK
 * asks a generator, which its tracers keep under this name, as they do the sampler, in versions 1 and 2. The given tracer is
 * not changed.
 */
function withChosenIds(given: Tracer): ChosenIds | undefined {
  const { _idGenerator: generator, _sampler: sampler } = given as Partial<Record<string, unknown>> & Tracer;
  if (!generator || !isSampler(sampler)) return undefined;
  const next = { traceId: "", spanId: "" };
  const ids = { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId };
  const always = { shouldSample: () => ({ decision: RECORD_AND_SAMPLED }), toString: () => "taskrun" };
  const tracer: Tracer = Object.create(given, {
    _idGenerator: { value: ids },
    _sampler: { value: always },
  });
  return {
    sampler,
    record({ name, kind, context, parent, from, to, attributes, links, error }) {
      Object.assign(next, context);
      const above = parent ? below(context, parent.spanId, parent.isRemote) : ROOT_CONTEXT;
      const options = { kind: kinds[kind], startTime: timeOf(from), attributes, links: links.map(linkOf) };
      const span = tracer.startSpan(name, options, above);
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end(timeOf(to));
    },
  };
}

function isSampler(value: unknown): value is Sampler {
  return typeof (value as Partial<Sampler> | undefined)?.shouldSample === "function";
}

function linkOf({ context: { traceId, spanId, flags }, relation }: SpanData["links"][number]) {
  const context = { traceId, spanId, traceFlags: flags };
  return { context, attributes: { "taskrun.relation": relation } };
}

/** Seconds and nanoseconds: a small number would be taken for one of `performance.now`. */
function timeOf(at: Instant): [number, number] {
  return [Math.floor(at / 1_000), (at % 1_000) * 1_000_000];
}
