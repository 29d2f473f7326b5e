import type { Log, Telemetry } from "#ports/telemetry";
import { hasTracerProvider, type OpenTracing, type TracingOptions } from "./options.js";
import { otlpTarget } from "./target.js";

/*
 * No module that is loaded with this one loads OpenTelemetry: that happens once it is wanted.
 */

/**
 * Begins to record traces if they are wanted: those of a collector that is named, else, if the process has registered a
 * tracer provider itself, by that one. Otherwise nothing is loaded.
 */
export async function openTracing(options: TracingOptions): Promise<OpenTracing | undefined> {
  const { otlp, env, log } = options;
  const url = otlpTarget(otlp, env, (message) => log.warn(message));
  const isHosted = hasTracerProvider();
  if (url !== undefined && (otlp !== "" || !isHosted)) {
    const { openOtlp } = await import("./otlp.js");
    return openOtlp({ ...options, url });
  }
  return isHosted ? hostTracing(log) : undefined;
}

/** Traces by the tracer provider that this process has registered; undefined if there is none. */
export async function hostTracing(log: Log): Promise<OpenTracing | undefined> {
  if (!hasTracerProvider()) return undefined;
  const { tracingOfHost } = await import("./host.js");
  // The provider is the host's to flush and to stop.
  return { tracing: tracingOfHost(log), close: async () => undefined };
}

/** The telemetry with the traces that are recorded, if any are. */
export function traced<T extends Telemetry>(telemetry: T, traces: OpenTracing | undefined): T {
  return traces?.tracing ? { ...telemetry, tracing: traces.tracing } : telemetry;
}
