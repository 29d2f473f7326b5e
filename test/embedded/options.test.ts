import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import fastify from "fastify";
import { pino } from "pino";
import { Counter, Registry, register } from "prom-client";
import { describe, expect, test, vi } from "vitest";
import { startTaskRun } from "#embedded/index";
import { memoryStore } from "#stores/memory/index";
import { folder, greet, started } from "./kit.js";

describe("a wrong option is named, with the way out, before anything is opened", () => {
  test.each<[string, unknown, RegExp]>([
    ["options that are none", 5, /^options is 5: send an object/],
    ["an option that there is not", { agent: [] }, /^options has no agent; did you mean agents\?/],
    ["another one", { address: "x" }, /^options has no address; there are store, agents, templates/],
    ["a store that there is not", { store: "postgres" }, /^store is "postgres": send "sqlite", "memory"/],
    [
      "a store elsewhere",
      { store: "mysql://u:secret@h/d" },
      /^store is a URL of another kind: send "sqlite".*postgres:/,
    ],
    ["a wrong URL of a database", { store: "postgres://h/d?shema=x" }, /^store: the URL .*shema/],
    ["a directory beside a database", { store: "postgres://h/d", data: "x" }, /^data is .*leave it out/],
    ["a path for a store", { store: "./data" }, /^store is "\.\/data".*the option data/],
    ["a directory beside a store in memory", { store: "memory", data: "x" }, /^data is .*leave it out/],
    ["a directory beside a store", { store: memoryStore(), data: "x" }, /^data is .*leave it out/],
    ["an empty directory", { data: "" }, /^data: is empty/],
    ["a directory that is a number", { data: 5 }, /^data: write a path/],
    ["agents that are no list", { agents: greet }, /^agents is an object: send a list/],
    ["an agent that is none", { agents: [{ name: "x" }] }, /^agents\[0\] is .*agent\(\)/],
    ["an agent twice", { agents: [greet, greet] }, /^agents has two of the same name/],
    [
      "the text of a template alone",
      { templates: "name: x\nsteps: []" },
      /^templates is the text .*templates: \[text\]/,
    ],
    [
      "the path of a template in a list",
      { templates: ["./x.yaml"] },
      /^templates\[0\] is "\.\/x\.yaml".*templates: PATH/,
    ],
    ["a template that is a number", { templates: [1] }, /^templates\[0\] is 1: send a template/],
    ["templates that are a number", { templates: 1 }, /^templates is 1: send the path/],
    ["a log that is none", { log: {} }, /^log is an object: send a logger of pino/],
    ["a level that there is not", { log: "loud" }, /^log is "loud"/],
    ["metrics that are a registry", { metrics: new Registry() }, /^metrics has no .*there are registry/],
    [
      "a registry that is none",
      { metrics: { registry: {} } },
      /^metrics\.registry is an object: send a Registry/,
    ],
    ["a duration without a unit", { lease: "30" }, /^lease: "30" is not a duration/],
    ["a duration as a number", { retention: 5 }, /^retention: write a duration/],
    [
      "a heartbeat that is too rare",
      { lease: "5s", heartbeat: "4s" },
      /^heartbeat .* more than half of lease/,
    ],
    [
      "a retention of no status",
      { retentionOf: { "x/LOST": "2d" } },
      /^retentionOf: "x\/LOST" is no namespace/,
    ],
    ["a retention that is too short", { retentionOf: { x: "2h" } }, /^retentionOf: "x": /],
    ["a directory of exports that is none", { exportTo: 5 }, /^exportTo: write a path/],
    ["a threshold without a unit", { staleWorker: "30" }, /^staleWorker: "30" is not a duration/],
    ["an environment with a space", { environment: "a b" }, /^environment: /],
    ["a clock that is no answer", { acceptClock: "yes" }, /^acceptClock: write true or false/],
    ["a drain that is negative", { drainMs: -1 }, /^drainMs is -1: send milliseconds/],
    ["a drain that is text", { drainMs: "5s" }, /^drainMs is "5s"/],
    ["an option of the client that there is not", { client: { addr: "x" } }, /^client has no addr/],
  ])("%s", async (_, options, message) => {
    const before = process.getActiveResourcesInfo().length;

    await expect(startTaskRun(options as never)).rejects.toThrow(message);
    expect(process.getActiveResourcesInfo().length).toBe(before);
  });

  test.each([{ timeoutMs: -5 }, { namespace: 5 as never }])(
    "of the client is checked as by createClient: %j",
    async (client) => {
      const store = memoryStore();
      const boot = vi.spyOn(store, "boot");

      const start = startTaskRun({ store, log: "silent", client });
      await expect(start).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(boot).not.toHaveBeenCalled();
    },
  );

  test("undefined is left out", async () => {
    const data = undefined as unknown as string;
    const { client } = await started({ store: "memory", data, agents: undefined as never });

    expect(await client.workers.list()).toEqual([]);
  });
});

describe("a wrong option of a method is named", () => {
  test.each<[string, unknown, RegExp]>([
    ["none", undefined, /names no address/],
    ["no address", {}, /names no address/],
    ["a port alone", { grpc: "50051" }, /"50051" is no address/],
    ["a number", { http: 8080 }, /^http\[0\] is 8080: send a text/],
    ["another option", { port: 1 }, /^options has no port; there are grpc, http/],
    ["a system that there is not", { compat: "airflow" }, /^compat: "airflow" names none of orchestrator/],
    ["a system for all", { compat: ["tasker=0.0.0.0:0"] }, /can be reached from other machines/],
    ["an address for all", { grpc: "0.0.0.0:0" }, /can be reached from other machines/],
    ["hosts that are no list", { http: "127.0.0.1:0", allowedHosts: "a" }, /^allowedHosts is "a"/],
    ["a yes that is text", { http: "127.0.0.1:0", insecure: "yes" }, /^insecure is "yes"/],
  ])("listen: %s", async (_, options, message) => {
    const taskrun = await started();

    await expect(taskrun.listen(options as never)).rejects.toThrow(message);
  });

  test.each<[string, unknown, RegExp]>([
    ["no slash", { prefix: "taskrun" }, /^prefix is "taskrun": write a path such as \/taskrun/],
    ["a query", { prefix: "/a?b" }, /^prefix is/],
    ["an empty part", { prefix: "/a//b" }, /^prefix is/],
    ["a number", { prefix: 5 }, /^prefix is 5/],
    ["another option", { path: "/x" }, /^options has no path; there are prefix, allowedHosts/],
    ["origins that are no list", { allowedOrigins: "https://a" }, /^allowedOrigins is "https:\/\/a"/],
    [
      "an origin with a path",
      { allowedOrigins: ["https://a/b"] },
      /^allowedOrigins: "https:\/\/a\/b" has more than/,
    ],
    ["hosts that are no list", { allowedHosts: [5] }, /^allowedHosts\[0\] is 5/],
  ])("handler: %s", async (_, options, message) => {
    const taskrun = await started();

    expect(() => taskrun.handler(options as never)).toThrow(message);
  });

  test.each<[string, unknown, RegExp]>([
    ["no agents", { agents: [] }, /^agents is empty/],
    ["an address", { agents: [greet], addr: "x" }, /^options has no addr/],
    ["an id that is none", { agents: [greet], id: "a b" }, /^id "a b" is not/],
    ["no room for Runs", { agents: [greet], maxRuns: 0 }, /^maxRuns is 0/],
  ])("serve: %s", async (_, options, message) => {
    const taskrun = await started();

    await expect(taskrun.serve(options as never)).rejects.toThrow(message);
  });
});

test("an address that is taken leaves those open that were", async () => {
  const taskrun = await started();
  const { grpc } = await taskrun.listen({ grpc: "127.0.0.1:0" });

  await expect(taskrun.listen({ http: "127.0.0.1:0", grpc: grpc[0] ?? "" })).rejects.toMatchObject({
    reason: "EADDRINUSE",
  });
  expect((await taskrun.listen({ http: ["127.0.0.1:0"] })).http).toHaveLength(1);
});

describe("the log", () => {
  test("of pino gets entries in its own form, errors written out", async () => {
    const lines: Record<string, unknown>[] = [];
    const sink = new Writable({
      write(chunk, _, done) {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const taskrun = await started({
      log: pino({ level: "info", base: { app: "shop" } }, sink),
      agents: [greet],
    });
    await taskrun.stop();

    const connected = lines.find(({ msg }) => msg === "connected");
    expect(connected).toMatchObject({
      app: "shop",
      component: "taskrun",
      workerId: "in-process-1",
      level: 30,
    });
  });

  test("of a Fastify application is one of pino", async () => {
    const lines: string[] = [];
    const app = fastify({ logger: { level: "info", stream: { write: (line) => void lines.push(line) } } });
    await started({ log: app.log, agents: [greet] });

    expect(lines.filter((line) => line.includes('"component":"taskrun"')).length).toBeGreaterThan(0);
  });

  test("of the host's own kind gets message and fields, and may fail", async () => {
    const info = vi.fn(() => {
      throw new Error("the disk of the log is full");
    });
    const nothing = () => {};
    const { client } = await started({
      log: { debug: nothing, info, warn: nothing, error: nothing },
      agents: [greet],
    });

    expect(info).toHaveBeenCalledWith("connected", expect.objectContaining({ workerId: "in-process-1" }));
    expect(await client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });
  });
});

describe("metrics", () => {
  test("of the host's registry have the plane's until it stops, and the host's stay", async () => {
    const registry = new Registry();
    new Counter({ name: "shop_orders_total", help: "Orders.", registers: [registry] }).inc();
    for (let i = 0; i < 2; i++) {
      const taskrun = await started({ metrics: { registry }, agents: [greet] });
      await taskrun.client.tasks.run({ agent: "greet", input: { name: "Ada" } });

      const text = await registry.metrics();
      expect(text).toMatch(/^taskrun_tasks_created_total 1$/m);
      expect(text).toMatch(
        /taskrun_requests_total\{rpc="taskrun.v1.TaskService\/RunTask",door="local",code="OK"\} 1/,
      );
      await taskrun.stop();
      expect(await registry.metrics()).not.toContain("taskrun_");
      expect(await registry.metrics()).toContain("shop_orders_total 1");
    }
  });

  test("of two planes need a registry each", async () => {
    const registry = new Registry();
    await started({ metrics: { registry } });

    await expect(started({ metrics: { registry } })).rejects.toThrow(/^metrics\.registry has taskrun_/);
  });

  test("never go into the global registry", async () => {
    await started({ agents: [greet] });

    expect(await register.getMetricsAsJSON()).toEqual([]);
  });
});

test("without options there is a folder .taskrun in the working directory", async () => {
  const cwd = await folder();
  vi.spyOn(process, "cwd").mockReturnValue(cwd);
  const taskrun = await startTaskRun({ log: "silent" });
  await taskrun.stop();
  vi.restoreAllMocks();

  expect(readdirSync(join(cwd, ".taskrun"))).toContain("taskrun.db");
});
