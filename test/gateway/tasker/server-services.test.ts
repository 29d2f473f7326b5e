/** What Tasker's clients ask of a server itself: its health, its settings, its templates, and the analytics that it does not have. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { Health } from "#gateway/health";
import { taskerHealth } from "#gateway/tasker/health";
import { factsOf } from "#host/server-facts";
import { limits } from "#limits/index";
import { AnalyticsService } from "#wire/gen/tasker/v1/analytics_pb";
import { ConfigService } from "#wire/gen/tasker/v1/config_pb";
import { HealthService } from "#wire/gen/tasker/v1/health_pb";
import { TemplateService } from "#wire/gen/tasker/v1/templates_pb";
import {
  WorkerConfigService,
  WorkerHealthService,
  WorkerTemplateService,
} from "#wire/gen/tasker/v1/worker_pb";
import { TemplateService as OurTemplates } from "#wire/gen/taskrun/v1/template_service_pb";
import { FakePlane } from "../kit/fake-plane.js";
import { grpcJsMount } from "../kit/mounts.js";
import { open } from "../kit/open.js";
import { as, openWorld, type World } from "../walls/world.js";

let world: World;
const mine = as("mine");
const source = (version: string) => `name: fulfil
namespace_name: mine
version: ${version}
description: Packs and ships.
steps:
  - name: pack
    description: Into a box.
    handler: { callable: packer, initialization: { weight: 12345678901234567890 } }
  - name: ship
    handler: { callable: shipper }
    dependencies: [pack]
    retry: { retryable: false }
`;

beforeAll(async () => {
  world = await openWorld();
  const ours = createClient(OurTemplates, world.transport);
  for (const version of ["1.0.0", "1.1.0"]) await ours.register({ source: source(version) }, mine);
});
afterAll(() => world.stop());

const client = <S extends Parameters<typeof createClient>[0]>(service: S) =>
  createClient(service, world.transport);

test("health is what the server knows of itself; circuit breakers are reported as disabled", async () => {
  const health = client(HealthService);
  expect((await health.checkHealth({})).status).toBe("healthy");
  const { status, timestamp } = await health.checkLiveness({});
  expect([status, new Date(timestamp).toISOString()]).toEqual(["alive", timestamp]);
  expect(await health.checkReadiness({})).toMatchObject({
    status: "ready",
    checks: {
      webDatabase: { status: "healthy" },
      orchestrationDatabase: { status: "healthy" },
      circuitBreaker: { status: "disabled" },
      orchestrationSystem: { status: "healthy" },
      commandProcessor: { status: "healthy" },
    },
    info: { operationalState: "normal", environment: "test", circuitBreakerState: "disabled" },
  });
  expect(await health.checkDetailedHealth({})).toMatchObject({
    status: "healthy",
    checks: { poolUtilization: { status: "unknown" }, queueDepth: { status: "unknown" } },
  });
});

test("the health of workers is the server's, and tells nobody which namespaces there are", async () => {
  const health = client(WorkerHealthService);
  expect(await health.checkHealth({})).toMatchObject({ status: "healthy", workerId: "taskrun" });
  expect((await health.checkLiveness({})).status).toBe("alive");
  expect(await health.checkReadiness({})).toMatchObject({
    status: "ready",
    checks: { database: { status: "healthy" }, queueProcessing: { status: "healthy" } },
    systemInfo: { commandProcessorActive: true, supportedNamespaces: [] },
  });
  expect(await health.checkDetailedHealth({})).toMatchObject({
    status: "healthy",
    checks: { circuitBreakers: { status: "disabled" }, stepProcessing: { status: "healthy" } },
    distributedCache: { enabled: false },
  });
});

test("what is wrong is said of the part that has it", () => {
  const plane = new FakePlane();
  const facts = { startedAt: instant(plane.now() - 90_500) };
  const seen = (health = new Health(plane, [])) => taskerHealth(health, facts, plane.now());

  plane.health = { store: { since: 0, message: "connect ECONNREFUSED db.internal:5432" } };
  expect(seen().parts.store).toEqual({
    status: "unhealthy",
    message: "cannot be reached since 1970-01-01T00:00:00.000Z",
  });
  plane.health = { parked: { count: 2, since: instant(1), next: instant(2) } };
  expect(seen()).toMatchObject({ isReady: true, isWell: false, uptimeSeconds: 90 });
  expect(seen().parts.commands.status).toBe("degraded");
  plane.health = { clock: { wall: instant(1), remembered: instant(2), message: "the clock is off" } };
  expect(seen().parts.orchestration).toEqual({ status: "degraded", message: "the clock is off" });
  plane.ready = false;
  expect(seen()).toMatchObject({ state: "startup", isReady: false, isWell: false });
  expect(seen().parts.orchestration).toEqual({ status: "unhealthy", message: "is in startup" });
  const draining = new Health(plane, []);
  draining.drain();
  expect(seen(draining)).toMatchObject({
    state: "graceful_shutdown",
    parts: { workers: { status: "unhealthy" } },
  });
});

test("health goes on while the server drains, and the rest is refused", async () => {
  const opened = await open();
  // A server of the host's, which takes requests when the gateway does not any more.
  const host = createServer(opened.gateway.handler()).listen(0, "127.0.0.1");
  await once(host, "listening");
  const { port } = host.address() as AddressInfo;
  const ask = async (path: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { method: "POST", headers, body: "{}" });
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  await opened.gateway.close(1_000);

  expect(await ask("tasker.v1.HealthService/CheckReadiness")).toMatchObject({
    status: "not_ready",
    info: { operationalState: "graceful_shutdown" },
  });
  expect(await ask("tasker.v1.WorkerHealthService/CheckLiveness")).toMatchObject({ status: "alive" });
  expect(await ask("tasker.v1.ConfigService/GetConfig")).toMatchObject({ status: 503, code: "unavailable" });
  host.close();
});

test("settings are shown by a closed list, in which no path, address or secret can be", async () => {
  const config = await client(ConfigService).getConfig({}, mine);
  expect(config).toMatchObject({
    auth: { enabled: true, verificationMethod: "api_key", apiKeyHeader: "x-api-key", strictValidation: true },
    circuitBreakers: { enabled: false },
    deploymentMode: "EventDrivenOnly",
    messaging: { backend: "memory", queues: [] },
    metadata: { environment: "test" },
  });
  expect(await client(WorkerConfigService).getConfig({}, mine)).toMatchObject({
    workerId: "taskrun",
    workerType: "control_plane",
    messaging: { backend: "memory" },
  });

  const secret = {
    jwtKeys: "https://keys.internal/jwks",
    jwtIssuer: "https://login.example",
    jwtAudience: ["a", "b"],
  };
  const settings = {
    ...secret,
    jwtAlgorithms: ["ES256"],
    store: "postgres://me:hunter2@db.internal:5433/tasks?pool=4",
  };
  const facts = factsOf(settings);
  expect(facts).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    store: "postgres",
    storeConnections: 4 + limits.postgresWriters,
    tokens: { issuer: "https://login.example", audience: ["a", "b"], algorithms: ["ES256"] },
  });
  expect(JSON.stringify(facts)).not.toMatch(/hunter2|internal|5433/);
  expect(factsOf({ ...settings, jwtKeys: "", store: "sqlite" })).toMatchObject({ store: "sqlite" });
  expect(factsOf({ ...settings, jwtKeys: "" })).not.toHaveProperty("tokens");
});

test("templates are listed with all their versions, and shown whole", async () => {
  const templates = client(TemplateService);
  expect(await templates.listTemplates({}, mine)).toMatchObject({
    namespaces: [{ name: "mine", templateCount: 2n }],
    templates: [
      { name: "fulfil", namespace: "mine", version: "1.1.0", description: "Packs and ships.", stepCount: 2n },
      { version: "1.0.0" },
    ],
    totalCount: 2n,
  });
  const { template } = await templates.getTemplate(
    { namespace: "mine", name: "fulfil", version: "1.0.0" },
    mine,
  );
  expect(template).toMatchObject({
    version: "1.0.0",
    configuration: { name: "fulfil", steps: [{ name: "pack" }, { dependencies: ["pack"] }] },
    steps: [
      { name: "pack", description: "Into a box.", defaultRetryable: true, defaultMaxAttempts: 3 },
      { name: "ship", defaultRetryable: false, defaultMaxAttempts: 1 },
    ],
  });
  await expect(
    templates.getTemplate({ namespace: "mine", name: "fulfil", version: "9.0.0" }, mine),
  ).rejects.toThrow("not_found");
  await expect(templates.getTemplate({ namespace: "mine", version: "1.0.0" }, mine)).rejects.toThrow(
    "template.name",
  );

  const workers = client(WorkerTemplateService);
  expect(await workers.listTemplates({ includeCacheStats: true }, mine)).toMatchObject({
    supportedNamespaces: ["mine"],
    templateCount: 2n,
    workerCapabilities: expect.arrayContaining(["standard", "decision"]),
  });
  expect(await workers.getTemplate({ namespace: "mine", name: "fulfil" }, mine)).toMatchObject({
    template: { version: "1.1.0", steps: [{ name: "pack", retryable: true, maxAttempts: 3 }, {}] },
    handlerMetadata: { handlerName: "fulfil", stepNames: ["pack", "ship"] },
    cached: false,
  });
});

test("templates of another namespace are nowhere", async () => {
  const theirs = as("theirs");
  for (const namespace of ["", "mine"]) {
    const list = await client(TemplateService).listTemplates({ namespace }, theirs);
    expect(list).toMatchObject({ namespaces: [], templates: [], totalCount: 0n });
    const workers = await client(WorkerTemplateService).listTemplates({ namespace }, theirs);
    expect(workers).toMatchObject({ supportedNamespaces: [], templateCount: 0n });
  }
  const named = { namespace: "mine", name: "fulfil", version: "1.0.0" };
  await expect(client(TemplateService).getTemplate(named, theirs)).rejects.toThrow("not_found");
  await expect(client(WorkerTemplateService).getTemplate(named, theirs)).rejects.toThrow("not_found");
});

test("analytics are not available, and the answer says what is", async () => {
  const opened = await open();
  const mount = grpcJsMount(opened);
  for (const method of AnalyticsService.methods) {
    const { error } = await mount.call(method, [{ $typeName: method.input.typeName }]);
    expect(error).toMatchObject({
      code: 12,
      reason: "NOT_AVAILABLE",
      message: expect.stringContaining("/metrics"),
    });
  }
  mount.close();
  await opened.gateway.close(1_000);
});
