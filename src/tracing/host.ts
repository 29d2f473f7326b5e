import { type ProxyTracerProvider, type TracerProvider, trace } from "@opentelemetry/api";
import type { Log } from "#ports/telemetry";
import type { Tracing } from "#ports/tracing";
import { planeTracing } from "./plane-tracing.js";

/** Spans by the tracer provider that the process has registered; undefined, and a warning, if it cannot record them. */
export function tracingOfHost(log: Log): Tracing | undefined {
  return tracingBy(trace.getTracerProvider(), log);
}

export function tracingBy(provider: TracerProvider, log: Log): Tracing | undefined {
  const tracer = delegateOf(provider).getTracer("taskrun");
  const tracing = planeTracing(tracer, log);
  if (!tracing) {
    log.warn(
      "the plane records no spans: the tracer provider of this process does not let it choose their ids. " +
        "Traces of clients are passed on to workers all the same",
    );
  }
  return tracing;
}

/** Another copy of the API may have registered it. */
function delegateOf(provider: TracerProvider): TracerProvider {
  const { getDelegate } = provider as Partial<ProxyTracerProvider>;
  return typeof getDelegate === "function" ? getDelegate.call(provider) : provider;
}
