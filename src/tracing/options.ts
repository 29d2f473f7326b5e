import type { Log, Telemetry } from "#ports/telemetry";
import type { Tracing } from "#ports/tracing";
import type { Environment } from "./target.js";

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

/** The name under which all copies of the API find what was registered with one of them. */
const API = Symbol.for("opentelemetry.js.api.1");

/** True if the process has registered a tracer provider. */
export function hasTracerProvider(): boolean {
  const api = (globalThis as { [API]?: { readonly trace?: unknown } })[API];
  return api?.trace !== undefined;
}
