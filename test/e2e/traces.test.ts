/** Traces across processes: server, workers and programs, some of them killed, and a collector on the loopback. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient, type TaskRunClient } from "#client/index";
import { Collector, drawn } from "../tracing/collector.js";
import { Proc, root, Stage, until } from "./kit/harness.js";

const bin = join(root, "bin/taskrun.js");
const stage = new Stage();
const processes = new Set<Proc>();
const clients: TaskRunClient[] = [];
/** Of the test that runs: what the processes of another still send does not reach it. */
let collector: Collector;

beforeEach(async () => {
  collector = await Collector.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const proc of processes) if (!proc.over) await proc.end("SIGKILL");
  processes.clear();
  await collector.close();
});
afterAll(() => stage.end());

const packages = join(stage.dir, "node_modules");
mkdirSync(join(packages, "@opentelemetry"), { recursive: true });
symlinkSync(root, join(packages, "taskrun"));
for (const name of ["zod", "@opentelemetry/api"])
  symlinkSync(join(root, "node_modules", name), join(packages, name));

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Proc {
  const proc = new Proc([bin, ...args], stage.dir, env);
  processes.add(proc);
  return proc;
}

interface Served {
  readonly proc: Proc;
  readonly addr: string;
  readonly client: TaskRunClient;
}

/** @param addr of the server before it; any free one if it is left out */
async function serve(data: string, addr = "127.0.0.1:0", lease = "30s"): Promise<Served> {
  const flags = [
    "--data",
    join(stage.dir, data),
    "--grpc",
    addr,
    "--http",
    "off",
    "--lease",
    lease,
    "--heartbeat",
    "500ms",
  ];
  const proc = run(["server", "--json", "--otlp", collector.url, ...flags]);
  const bound = await proc.said(
    "the server's addresses",
    ({ stdout }) => stdout.includes("\n") && JSON.parse(stdout).grpc[0],
  );
  const client = createClient({ addr: bound });
  clients.push(client);
  return { proc, addr: bound, client };
}

const steps = join(stage.dir, "steps.mjs");
writeFileSync(
  steps,
  `import { trace } from "@opentelemetry/api";
import { agent } from "taskrun/worker";
import { z } from "zod";
export default agent({
  name: "work",
  input: z.looseObject({}),
  run: (_, { config }) =>
    trace.getTracer("own").startActiveSpan("own", async (span) => {
      await new Promise((resolve) => setTimeout(resolve, config?.ms ?? 5));
      span.end();
      return {};
    }),
});
`,
);
const worker = (addr: string, ...more: string[]) =>
  run(["worker", "--addr", addr, "--module", steps, "--otlp", collector.url, ...more]);

const four = (ms: number) => `
name: four
namespace_name: default
version: 1.0.${ms}
steps:
  - { name: one, handler: { callable: work } }
  - { name: two, dependencies: [one], handler: { callable: work } }
  - { name: three, dependencies: [two], handler: { callable: work, initialization: { ms: ${ms} } } }
  - { name: four, dependencies: [three], handler: { callable: work } }
`;

const all = (count: number) =>
  until(`${count} spans`, () => collector.spans.length >= count && collector.spans).then(() =>
    drawn(collector.spans),
  );

/** The trace of the four Steps. */
const whole = `
task default/four  server, COMPLETED
  step one  internal, COMPLETED
    run work  client, COMPLETED
      run work  server, COMPLETED
        own  internal
  step two  internal, COMPLETED
    run work  client, COMPLETED
      run work  server, COMPLETED
        own  internal
  step three  internal, COMPLETED
    run work  client, COMPLETED
      run work  server, COMPLETED
        own  internal
  step four  internal, COMPLETED
    run work  client, COMPLETED
      run work  server, COMPLETED
        own  internal
`;

describe("a trace across processes", () => {
  test("of four Steps has one root, a span for each Step and Run, and the agent's own below its Run", async () => {
    const { proc, addr, client } = await serve("whole");
    const working = worker(addr);
    await client.templates.register(four(5));
    const task = await client.tasks.create({ template: { name: "four" } });
    await client.tasks.wait(task.id);

    expect(await all(1 + 4 * 4)).toBe(whole);
    expect(collector.spans.filter(({ parentSpanId }) => parentSpanId === "")).toHaveLength(1);
    expect(new Set(collector.spans.map(({ resource }) => resource["service.name"]))).toEqual(
      new Set(["taskrun", "taskrun-worker"]),
    );
    await working.end("SIGTERM");
    await proc.end("SIGTERM");
  });

  test("is whole after the server was killed within a Task: one span for each Step and Run", async () => {
    const before = await serve("killed");
    worker(before.addr);
    await before.client.templates.register(four(1_500));
    const { id } = await before.client.tasks.create({ template: { name: "four" } });
    await until("the third Step runs", async () => {
      const { steps } = await before.client.tasks.get(id);
      return steps.find(({ name }) => name === "three")?.state === "in_progress";
    });
    // Before what has ended is sent.
    await before.proc.end("SIGKILL");
    const after = await serve("killed", before.addr);
    await after.client.tasks.wait(id);

    expect(await all(1 + 4 * 4)).toBe(whole);
    await after.proc.end("SIGTERM");
    const once = new Set(collector.received.map((span) => JSON.stringify(span)));
    expect(once.size).toBe(collector.spans.length);
    expect(collector.spans).toHaveLength(1 + 4 * 4);
  });

  test("tells of a worker that was lost, and of the Run that took its place", async () => {
    const { proc, addr, client } = await serve("lost", "127.0.0.1:0", "3s");
    const first = worker(addr, "--id", "first");
    await client.templates.register(four(4_000));
    const { id } = await client.tasks.create({ template: { name: "four" }, maxLosses: 3 });
    await until("the third Step runs", async () => {
      const { steps } = await client.tasks.get(id);
      return steps.find(({ name }) => name === "three")?.state === "in_progress";
    });
    await first.end("SIGKILL");
    worker(addr, "--id", "second");
    await client.tasks.wait(id);
    await until("the Task's span", () => collector.named("task default/four").length === 1);

    const runs = collector.spans.filter(
      ({ name, kind, attributes }) =>
        name === "run work" && kind === 3 && attributes["taskrun.step"] === "three",
    );
    expect(runs.map(({ error, attributes }) => [attributes["taskrun.worker.id"], error]).sort()).toEqual([
      ["first", "WORKER_LOST"],
      ["second", undefined],
    ]);
    expect(collector.named("step three")).toHaveLength(1);
    await proc.end("SIGTERM");
  });

  test("goes on in programs, by TRACEPARENT, and in the Tasks that they create", async () => {
    const { proc, addr, client } = await serve("programs");
    const create = `"${process.execPath}" "${bin}" task create --agent child --addr ${addr}`;
    const script = join(stage.dir, "script.sh");
    writeFileSync(script, `cat > /dev/null; echo "$TRACEPARENT"; ${create} > /dev/null\n`);
    run(
      [
        "worker",
        "--addr",
        addr,
        "--exec",
        `parent=sh ${script}`,
        "--exec",
        "child=true",
        "--otlp",
        collector.url,
      ],
      {
        TRACEPARENT: `00-${"9".repeat(32)}-${"9".repeat(16)}-01`,
      },
    );
    const { id } = await client.tasks.create({ agent: "parent" });
    await client.tasks.wait(id);
    let text = "";
    for await (const event of client.tasks.watch(id))
      if (event.type === "output") text += event.output.content;
    // Of each of the two Tasks: the Task, its Step, and its Run, which the server and the worker tell of.
    await all(2 * 4);

    const own = collector.named("run parent").find(({ kind }) => kind === 2);
    expect(text.trim()).toBe(`00-${own?.traceId}-${own?.spanId}-01`);
    expect(collector.named("task child")[0]).toMatchObject({
      traceId: own?.traceId,
      parentSpanId: own?.spanId,
    });
    await proc.end("SIGTERM");
  });
});

test("the example of a service has one trace for a request, the Task, and what the agent does", async () => {
  const proc = new Proc([join(root, "examples/tracing/service.mjs")], stage.dir, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    PORT: "0",
  });
  processes.add(proc);
  const url = await proc.said("where it listens", ({ stdout }) => /^http:\S+/.exec(stdout)?.[0]);

  expect(await (await fetch(`${url}/?name=Ada`)).json()).toEqual({ greeting: "Hello, Ada!" });
  expect(await proc.end("SIGTERM")).toBe(0);
  expect(drawn(collector.spans)).toBe(`
GET /  server
  task greet  server, COMPLETED
    step main  internal, COMPLETED
      run greet  client, COMPLETED
        run greet  server, COMPLETED
          think of a greeting  internal
`);
  expect(collector.spans.every(({ resource }) => resource["service.name"] === "greetings")).toBe(true);
});

describe("without a collector, and a host that traces", () => {
  /** What a program loads of OpenTelemetry, and of all packages that are not modules of ECMAScript. */
  async function loadedBy(source: string, env: Readonly<Record<string, string>> = {}) {
    const path = join(stage.dir, `loaded-${Math.random()}.mjs`);
    const report = `
const { cache } = createRequire(import.meta.url);
const packages = Object.keys(cache).flatMap((file) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1] ?? []);
console.log(JSON.stringify({ seen, packages: [...new Set(packages)] }));
process.exit(0);
`;
    writeFileSync(path, `import { createRequire } from "node:module";\n${source}${report}`);
    const proc = new Proc([path], stage.dir, env);
    processes.add(proc);
    expect([await proc.ended, proc.stderr]).toEqual([0, ""]);
    const { seen, packages } = JSON.parse(proc.stdout) as { seen: unknown[]; packages: string[] };
    return { seen, packages, ofOpenTelemetry: packages.filter((each) => each.startsWith("@opentelemetry/")) };
  }
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const echo = `
import { agent } from "taskrun/worker";
import { z } from "zod";
const seen = [];
const echo = agent({ name: "echo", input: z.looseObject({}), run: async (_, ctx) => { seen.push(ctx.traceparent); return {}; } });
`;

  test("a client and a worker load nothing of OpenTelemetry, and pass on what they are told", async () => {
    const proc = run(["server", "--json", "--store", "memory", "--grpc", "127.0.0.1:0", "--http", "off"]);
    const addr = await proc.said(
      "its address",
      ({ stdout }) => stdout.includes("\n") && JSON.parse(stdout).grpc[0],
    );
    const loaded = await loadedBy(
      `import { createClient } from "taskrun/client";
import { serve } from "taskrun/worker";
${echo}
const log = { debug() {}, info() {}, warn() {}, error() {} };
const worker = await serve({ agents: [echo], addr: process.env.ADDR, handleSignals: false, log });
const client = createClient({ addr: process.env.ADDR });
await client.tasks.run({ agent: "echo" });
await client.tasks.run({ agent: "echo" }, { traceparent: "${traceparent}" });
client.close();
await worker.drain();
`,
      { ADDR: addr },
    );
    await proc.end("SIGTERM");

    expect(loaded.ofOpenTelemetry).toEqual([]);
    expect(loaded.seen).toEqual([null, traceparent]);
  });

  test("a server loads nothing but the API, which the metrics have loaded already", async () => {
    const loaded = await loadedBy(`import { serverConfig, startServer, startTaskRun } from "taskrun";
${echo}
const embedded = await startTaskRun({ store: "memory", agents: [echo] });
await embedded.client.tasks.run({ agent: "echo" });
await embedded.stop();
const addresses = { grpc: ["127.0.0.1:0"], http: [] };
const server = await startServer(serverConfig({ store: "memory", ...addresses, "log-level": "error" }));
await server.stop();
`);

    expect(loaded.packages).toContain("prom-client");
    expect(loaded.ofOpenTelemetry).toEqual(["@opentelemetry/api"]);
  });
});
