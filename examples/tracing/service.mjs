/**
 * A service that has set up OpenTelemetry, with a plane in its process. One trace has the request, the Task, its Step and Run, and
 * what the agent does. Needs a collector that takes OTLP over HTTP, for example Jaeger:
 *
 *     docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/jaeger
 *     node examples/tracing/service.mjs
 *     curl 'localhost:3000/?name=Ada'
 */
import { createServer } from "node:http";
import { SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { startTaskRun } from "taskrun";
import { agent } from "taskrun/worker";
import { z } from "zod";

// Before the plane starts: it looks for a provider once.
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "greetings" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer("greetings");

const greet = agent({
  name: "greet",
  input: z.object({ name: z.string() }),
  run: ({ name }) =>
    // Below the span of its Run.
    tracer.startActiveSpan("think of a greeting", async (span) => {
      span.end();
      return { greeting: `Hello, ${name}!` };
    }),
});
const taskrun = await startTaskRun({ store: "memory", agents: [greet] });

const server = createServer((request, response) => {
  const name = new URL(request.url ?? "/", "http://localhost").searchParams.get("name") ?? "you";
  tracer.startActiveSpan("GET /", { kind: SpanKind.SERVER }, async (span) => {
    // The Task's span is below the active one.
    const result = await taskrun.client.tasks.run({ agent: "greet", input: { name } });
    span.end();
    response.setHeader("content-type", "application/json").end(JSON.stringify(result));
  });
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

process.once("SIGTERM", async () => {
  server.close();
  await taskrun.stop();
  await provider.shutdown();
});
