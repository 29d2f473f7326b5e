import type * as OpenTelemetry from "@opentelemetry/api";

export type OpenTelemetryApi = typeof OpenTelemetry;

/** The name under which all copies of the API find what was registered with one of them. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** Undefined once loading has failed. */
let loaded: OpenTelemetryApi | Promise<OpenTelemetryApi | undefined> | undefined;
let hasFailed = false;

/**
 * The OpenTelemetry API, if the process has registered OpenTelemetry; then it is loaded once. Undefined otherwise, or if the
 * package is not to be found from here, which is no error: traces are for those who have them.
 */
export function openTelemetry(): OpenTelemetryApi | Promise<OpenTelemetryApi | undefined> | undefined {
  if (!(REGISTERED in globalThis) || hasFailed) return undefined;
  loaded ??= import("@opentelemetry/api").then(
    (api) => {
      loaded = api;
      return api;
    },
    () => {
      hasFailed = true;
      return undefined;
    },
  );
  return loaded;
}

/** The `traceparent` of the span that is active here; undefined if there is none. */
export function activeTraceparent({ context, trace }: OpenTelemetryApi): string | undefined {
  return traceparentOf(trace.getSpanContext(context.active()));
}

/** As W3C Trace Context writes a span; undefined if it has no valid ids. */
export function traceparentOf(span: OpenTelemetry.SpanContext | undefined): string | undefined {
  if (!span || !IDS.test(`${span.traceId} ${span.spanId}`)) return undefined;
  return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 3}`;
}

const IDS = /^(?!0{32})[0-9a-f]{32} (?!0{16})[0-9a-f]{16}$/;
