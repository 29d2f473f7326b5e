/** What becomes of spans: with a collector that is gone, one that refuses, one that comes back, and one too slow. */
import { ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Log } from "#ports/telemetry";
import { openTracing } from "#tracing/open";
import { otlpTarget } from "#tracing/target";
import { Collector } from "./collector.js";
import { stopped, tracedPlane } from "./kit.js";

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const collectors: Collector[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const collector of collectors.splice(0)) await collector.close();
});

async function collector(): Promise<Collector> {
  const made = await Collector.start();
  collectors.push(made);
  return made;
}

const metricOf = async (text: Promise<Response>, outcome: string) =>
  Number(
    new RegExp(`taskrun_spans_total\\{outcome="${outcome}"\\} (\\d+)`).exec(await (await text).text())?.[1] ??
      0,
  );

describe("a collector", () => {
  test("that is gone costs spans, which are counted, and neither Tasks nor a stop wait for it", async () => {
    vi.stubEnv("OTEL_BSP_MAX_QUEUE_SIZE", "600");
    vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "20");
    const { taskrun } = await tracedPlane({ tracing: { otlp: "http://127.0.0.1:1" } });
    const { http } = await taskrun.listen({ http: "127.0.0.1:0" });
    const requests = Array.from({ length: 300 }, () => ({ agent: "work" }));
    const created = await taskrun.client.tasks.createMany(requests);
    const ids = created.flatMap((each) => (each.ok ? [each.task.id] : []));
    const ends = await Promise.all(ids.map((id) => taskrun.client.tasks.wait(id)));

    expect(ends.every(({ status }) => status === "COMPLETED")).toBe(true);
    // 300 Tasks have 1 200 spans; at most 600 wait.
    expect(await metricOf(fetch(`http://${http[0]}/metrics`), "dropped")).toBeGreaterThanOrEqual(1);
    const beganAt = performance.now();
    await stopped(taskrun);
    expect(performance.now() - beganAt).toBeLessThan(20_000);
  });

  test("that refuses is spoken of once, and once when it takes spans again", async () => {
    vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "5");
    const gone = await collector();
    gone.status = 400;
    const said: string[] = [];
    const counted: Record<string, number> = {};
    const log: Log = { ...quiet, info: (text) => said.push(text), warn: (text) => said.push(text) };
    const count = (_: string, labels: Readonly<Record<string, string>> = {}, by = 1) => {
      const { outcome = "" } = labels;
      counted[outcome] = (counted[outcome] ?? 0) + by;
    };
    const traces = await openTracing({
      otlp: gone.url,
      env: process.env,
      service: "t",
      hasAgents: true,
      log,
      count,
    });
    const tracer = trace.getTracer("t");
    const sent = async (requests: number) => {
      tracer.startSpan("s", {}, ROOT_CONTEXT).end();
      await vi.waitFor(() => expect(gone.requests.length).toBeGreaterThanOrEqual(requests), 10_000);
      await vi.waitFor(() => expect((counted.failed ?? 0) + (counted.exported ?? 0)).toBe(requests), 10_000);
    };
    await sent(1);
    await sent(2);
    gone.status = 200;
    await sent(3);
    await traces?.close();

    expect(said).toEqual([
      "traces are sent",
      "spans cannot be sent; work goes on without",
      "spans are sent again",
    ]);
    expect(counted).toEqual({ failed: 2, exported: 1 });
    expect(gone.requests[0]?.path).toBe("/v1/traces");
  });

  test("gets the headers, the name and the attributes of OpenTelemetry's own variables", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-team=a");
    vi.stubEnv("OTEL_SERVICE_NAME", "plane-eu");
    vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=other");
    const { taskrun, collector } = await tracedPlane();
    await taskrun.client.tasks.run({ agent: "work" });
    await stopped(taskrun);

    expect(collector.requests[0]?.headers).toMatchObject({ authorization: "Bearer abc", "x-team": "a" });
    expect(collector.spans[0]?.resource).toMatchObject({
      "service.name": "plane-eu",
      "deployment.environment": "test",
    });
  });

  test("gets no span of what is not sampled", async () => {
    const { taskrun, collector } = await tracedPlane();
    const parent = { traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: TraceFlags.NONE };
    trace.getTracer("t").startSpan("s", {}, trace.setSpanContext(ROOT_CONTEXT, parent)).end();
    await stopped(taskrun);

    expect(collector.received).toEqual([]);
  });
});

describe("where traces go", () => {
  const target = (otlp: string, env: Record<string, string>) => {
    const warnings: string[] = [];
    return { url: otlpTarget(otlp, env, (text) => warnings.push(text)), warnings };
  };

  test.each([
    ["http://c:4318", {}, "http://c:4318/v1/traces"],
    ["http://c:4318/", {}, "http://c:4318/v1/traces"],
    ["https://c/otlp", {}, "https://c/otlp/v1/traces"],
    ["https://c/otlp/v1/traces", {}, "https://c/otlp/v1/traces"],
    ["http://c", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://d" }, "http://c/v1/traces"],
    ["http://c", { OTEL_SDK_DISABLED: "TRUE" }, undefined],
    ["http://c", { OTEL_TRACES_EXPORTER: "none" }, "http://c/v1/traces"],
    ["", {}, undefined],
    ["", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }, undefined],
    ["", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://d:4318" }, "http://d:4318/v1/traces"],
    ["", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://d:4318", OTEL_TRACES_EXPORTER: "none" }, undefined],
    ["", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://d/x" }, "http://d/x"],
    [
      "",
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://d/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://e" },
      "http://d/x",
    ],
  ])("%j with %j is %j", (otlp, env, url) => {
    expect(target(otlp, env as Record<string, string>)).toEqual({ url, warnings: [] });
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, /OTEL_EXPORTER_OTLP_ENDPOINT is no http/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /protocol is grpc/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_TRACES_EXPORTER: "zipkin" },
      /OTEL_TRACES_EXPORTER is zipkin/,
    ],
  ])("what %j asks for is not done, and said", (env, warning) => {
    const { url, warnings } = target("", env as Record<string, string>);

    expect(url).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });

  test.each([
    [{ OTEL_TRACES_SAMPLER: "sometimes" }, /none of always_on/],
    [{ OTEL_TRACES_SAMPLER: "traceidratio" }, /OTEL_TRACES_SAMPLER_ARG is not set/],
    [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "10%" }, /is 10%/],
  ])("a sampler like %j is spoken of", (env, warning) => {
    expect(target("http://c", env as Record<string, string>).warnings).toEqual([
      expect.stringMatching(warning),
    ]);
  });
});
