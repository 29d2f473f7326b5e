import { createRequire } from "node:module";
import { context, propagation, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { limits } from "#limits/index";
import { BoundedExport } from "./bounded-export.js";
import { tracingBy } from "./host.js";
import { hasTracerProvider, type OpenTracing, type TracingOptions } from "./options.js";
import { shownUrl } from "./target.js";

/**
 * Records spans and sends them to a collector, by OTLP over HTTP. Its headers, sampler and resource are those of
 * OpenTelemetry's own variables. Registers the provider for the whole process, unless it has one: so agents' own spans, and
 * the SDK's, are sent too.
 */
export function openOtlp({
  url,
  service,
  hasAgents,
  log,
  env,
  count,
}: TracingOptions & { readonly url: string }): OpenTracing {
  const to = shownUrl(url);
  const processor = new BoundedExport({
    exporter: new OTLPTraceExporter({ url }),
    to,
    env,
    log,
    ...(count && { count }),
  });
  const named = resourceFromAttributes({ "service.name": service, "service.version": ownVersion() });
  const provider = new NodeTracerProvider({
    resource: named.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [processor],
  });
  const tracing = tracingBy(provider, log);
  const unregister = register(provider, hasAgents);
  log.info("traces are sent", { to });
  return {
    tracing,
    close: async () => {
      unregister();
      await within(provider.shutdown(), limits.spansFlush);
    },
  };
}

/** Returns a function that takes it back. Does nothing if the process has registered one. */
function register(provider: NodeTracerProvider, hasAgents: boolean): () => void {
  if (hasTracerProvider()) return () => undefined;
  provider.register(hasAgents ? {} : { contextManager: null });
  return () => {
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

/** Waits no longer than so many milliseconds. Spans that are left then are lost. */
async function within(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done.catch(() => undefined), late]);
  clearTimeout(timer);
}

function ownVersion(): string {
  const manifest = createRequire(import.meta.url)("taskrun/package.json") as { version: string };
  return manifest.version;
}
