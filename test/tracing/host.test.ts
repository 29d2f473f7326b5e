/** A host that has set up OpenTelemetry itself: the plane's spans go through its provider, and nothing of it is changed. */
import { type TracerProvider, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";
import { afterEach, expect, test } from "vitest";
import { started } from "../embedded/kit.js";
import { work } from "./kit.js";

const exporter = new InMemorySpanExporter();

function hostWith(ratio: number): NodeTracerProvider {
  const provider = new NodeTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  provider.register();
  return provider;
}

afterEach(() => {
  trace.disable();
  exporter.reset();
});

const namesOf = () =>
  exporter
    .getFinishedSpans()
    .map(({ name }) => name)
    .sort();

test("one trace has the host's spans, the plane's, the worker's and the agent's", async () => {
  hostWith(1);
  const taskrun = await started({ agents: [work] });
  await trace.getTracer("host").startActiveSpan("request", async (span) => {
    await taskrun.client.tasks.run({ agent: "work" });
    span.end();
  });
  await taskrun.stop();

  const spans = exporter.getFinishedSpans();
  expect(namesOf()).toEqual(["request", "run work", "run work", "step main", "task work"]);
  expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  expect(spans.filter(({ parentSpanContext }) => !ids.has(parentSpanContext?.spanId ?? ""))).toHaveLength(1);
});

test("the host's sampler decides once for a Task, and the spans of others get ids of the host's", async () => {
  const provider = hostWith(0.5);
  const taskrun = await started({ agents: [work] });
  for (let i = 0; i < 30; i += 1) await taskrun.client.tasks.run({ agent: "work" });
  await taskrun.stop();

  const tasks = namesOf().filter((name) => name === "task work");
  expect(tasks.length).toBeGreaterThan(0);
  expect(tasks.length).toBeLessThan(30);
  expect(exporter.getFinishedSpans()).toHaveLength(4 * tasks.length);
  const made = [1, 2].map(() => provider.getTracer("taskrun").startSpan("s").spanContext());
  expect(made[0]?.traceId).not.toBe(made[1]?.traceId);
});

test("false records nothing of the plane, and a worker's spans still join the client's", async () => {
  hostWith(1);
  const taskrun = await started({ agents: [work], tracing: false });
  await trace.getTracer("host").startActiveSpan("request", async (span) => {
    await taskrun.client.tasks.run({ agent: "work" });
    span.end();
  });
  await taskrun.stop();

  const [run, request] = exporter.getFinishedSpans();
  expect(namesOf()).toEqual(["request", "run work"]);
  expect(run?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
});

test("a provider that chooses its own ids is told of, and Tasks go on", async () => {
  const real = new NodeTracerProvider().getTracer("x");
  const provider: TracerProvider = {
    getTracer: () => ({
      startSpan: real.startSpan.bind(real),
      startActiveSpan: real.startActiveSpan.bind(real),
    }),
  };
  trace.setGlobalTracerProvider(provider);
  const warnings: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: (text: string) => void warnings.push(text),
    error: () => {},
  };
  const taskrun = await started({ agents: [work], log });

  expect(await taskrun.client.tasks.run({ agent: "work" })).toEqual({ secret: "result-of-work" });
  expect(warnings).toEqual([expect.stringContaining("does not let it choose their ids")]);
});

test("true without a provider is said to record nothing", async () => {
  const warnings: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: (text: string) => void warnings.push(text),
    error: () => {},
  };
  await started({ tracing: true, log });

  expect(warnings).toEqual([expect.stringContaining("has not registered a tracer provider")]);
});

test.each([
  [{ otlp: "collector:4318" }, /tracing.otlp is "collector:4318"/],
  [{ otlp: 3 }, /tracing.otlp is 3/],
  [{}, /tracing.otlp is a undefined/],
  ["yes", /tracing is "yes"/],
])("tracing: %j is refused", async (tracing, message) => {
  await expect(started({ tracing: tracing as never })).rejects.toThrow(message);
});
