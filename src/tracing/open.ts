import type { Log, Telemetry } from "#ports/telemetry";
import type { Tracing } from "#ports/tracing";
import { type Environment, otlpTarget } from "./target.js";

/*
 * No module that is loaded with this one loads OpenTelemetry: that happens once it is wanted.
 */

/** Which traces a process records, and where they go. */
export interface TracingOptions {
  /** Base URL of a collector; empty if there is none. */
  readonly otlp: string;
  /** What OpenTelemetry's own variables are read from. */
  readonly env: Environment;
  /** The name of the service, unless `OTEL_SERVICE_NAME` says another one. */
  readonly service: string;
  /** True if agents run in this process, whose spans are to be below those of their Runs. It costs every promise a little. */
  readonly hasAgents: boolean;
  readonly log: Log;
  /** Counts what becomes of spans. */
  readonly count?: Telemetry["count"];
}

/** Traces that are being recorded. */
export interface OpenTracing {
  /** For a plane; absent if spans cannot be recorded. */
  readonly tracing: Tracing | undefined;
  /** Sends what is left, within `limits.spansFlush`. Never rejects. */
  close(): Promise<void>;
}

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

/** The name under which all copies of the API find what was registered with one of them. */
const API = Symbol.for("opentelemetry.js.api.1");

/** True if the process has registered a tracer provider. */
export function hasTracerProvider(): boolean {
  const api = (globalThis as { [API]?: { readonly trace?: unknown } })[API];
  return api?.trace !== undefined;
}
