/** The health of a server as Tasker's clients read it, and what its workers let be read at an address of its own. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { templateKey } from "#domain/template/template";
import { instant } from "#domain/time/time";
import { authenticate } from "#gateway/access/authenticate";
import { policy } from "#gateway/access/policy";
import { workerOperations } from "#gateway/tasker/rest/worker";
import { template } from "#testing/rows";
import { type Opened, open } from "../kit/open.js";
import { asked, registerTemplates } from "./kit.js";

let opened: Opened;
let port: number;

beforeEach(async () => {
  opened = await open({
    compat: [{ name: "tasker-worker", address: "127.0.0.1:0" }],
    identify: authenticate({
      callerOf: (key: string) => ({
        principal: `key:${key}`,
        namespaces: key === "foreign" ? ["other"] : "*",
        roles: [key === "narrow" ? "worker" : "admin"],
      }),
    }),
  });
  registerTemplates(opened.plane);
  port = Number(opened.gateway.compat?.["tasker-worker"]?.[0]?.split(":").at(-1));
});

afterEach(() => opened.gateway.close(1_000));

const ask = (line: string, sent?: unknown, key = "own") => asked(port, line, sent, { "x-api-key": key });

test("everybody may ask for the health, and a server that does not serve says so", async () => {
  for (const at of [port, opened.httpPort]) {
    const alive = await asked(at, "GET /health/live");
    expect([alive.status, alive.body.status]).toEqual([200, "alive"]);
    const ready = await asked(at, "GET /health/ready");
    expect([ready.status, ready.body.status]).toEqual([200, "ready"]);
    opened.plane.ready = false;
    const not = await asked(at, "GET /health/ready");
    const detailed = await asked(at, "GET /health/detailed");
    expect([not.status, not.body.status, detailed.status]).toEqual([503, "not_ready", 503]);
    expect((await asked(at, "GET /health/live")).status).toBe(200);
    opened.plane.ready = true;
  }
});

test("each part of the server has a check, whose duration is a number", async () => {
  const ours = await asked(opened.httpPort, "GET /health/detailed");
  expect(Object.keys(ours.body.checks).toSorted()).toEqual([
    ...["channel_saturation", "circuit_breaker", "command_processor", "orchestration_database"],
    ...["orchestration_system", "pool_utilization", "queue_depth", "web_database"],
  ]);
  expect(ours.body.checks.web_database).toMatchObject({ status: "healthy", duration_ms: 0 });
  expect(ours.body.info).toMatchObject({ operational_state: "normal", environment: "test" });
  const theirs = await ask("GET /health/detailed");
  expect(theirs.body).toMatchObject({
    worker_id: "taskrun",
    checks: { database: { status: "healthy" }, circuit_breakers: { status: "disabled" } },
    system_info: { worker_type: "control_plane", uptime_seconds: expect.any(Number) },
    distributed_cache: { enabled: false },
  });
});

test("what an operator should look at is in the health, as before", async () => {
  const since = instant(1_000);
  opened.plane.health = { parked: { count: 2, since } } as never;
  const { body } = await asked(opened.httpPort, "GET /health");
  expect(body).toMatchObject({ status: "degraded", parked: { count: 2 }, timestamp: expect.any(String) });
});

test("metrics are under each of the names that Tasker's workers have for them", async () => {
  for (const path of ["/metrics", "/metrics/worker", "/metrics/events"]) {
    expect((await ask(`GET ${path}`)).text).toBe("taskrun_up 1\n");
    expect((await asked(port, `GET ${path}`)).status).toBe(401);
    expect((await ask(`GET ${path}`, undefined, "narrow")).status).toBe(403);
  }
});

test("templates and settings are those of the server", async () => {
  const list = await ask("GET /v1/templates?include_cache_stats=true");
  expect(list.body).toMatchObject({ supported_namespaces: ["example", "orders"], template_count: 3 });
  expect((await ask("GET /v1/templates", undefined, "foreign")).body.template_count).toBe(0);
  const one = await ask("GET /v1/templates/orders/fulfil/1.0.0");
  expect(one.body).toMatchObject({
    template: { name: "fulfil", steps: [{ name: "main", max_attempts: 3 }] },
    cached: false,
  });
  expect((await ask("GET /config")).body).toMatchObject({ worker_id: "taskrun", auth: { enabled: false } });
});

test("a template is validated with whether there is an agent for each Step", async () => {
  const row = template("checked", "1.0.0", {
    namespace: "orders",
    source:
      "name: checked\nnamespace_name: orders\nversion: 1.0.0\nsteps:\n  - name: main\n    handler: { callable: echo }\n",
  });
  opened.plane.templates.set(templateKey(row), row);
  opened.plane.known.set("echo", undefined);
  const path = "POST /v1/templates/orders/checked/1.0.0/validate";
  expect((await ask(path)).body).toEqual({
    valid: true,
    errors: [],
    warnings: ["No Worker has ever announced echo, the agent of main."],
    step_handlers: [{ step: "main", handler: "echo", is_announced: false }],
  });
  opened.plane.known.clear();
  expect((await ask(path, {})).body).toMatchObject({ warnings: [], step_handlers: [{ is_announced: true }] });
  const wrong = await ask("POST /v1/templates/orders/fulfil/1.0.0/validate");
  expect([wrong.body.valid, wrong.body.errors.length > 0]).toEqual([false, true]);
});

const requests: Readonly<Record<string, string>> = {
  "GET /v1/templates": "/v1/templates",
  "GET /v1/templates/{namespace}/{name}/{version}": "/v1/templates/orders/fulfil/1.0.0",
  "POST /v1/templates/{namespace}/{name}/{version}/validate": "/v1/templates/orders/fulfil/1.0.0/validate",
  "GET /config": "/config",
};

test.each(Object.entries(requests))(
  "%s keeps to credentials, scopes, names and namespaces",
  async (name, path) => {
    const operation = workerOperations.find((each) => `${each.method} ${each.path}` === name);
    const { parent, name: rpc } = operation?.rpc.method ?? ({} as never);
    const line = `${name.split(" ")[0]} ${path}`;
    expect(operation?.documentation).toHaveProperty("summary");
    expect((await asked(port, line)).status).toBe(401);
    const narrow = await ask(line, undefined, "narrow");
    expect([narrow.status, narrow.body.metadata.scope]).toEqual([
      403,
      policy.get(`${parent.typeName}/${rpc}`),
    ]);
    const unknown = await ask(`${line}?zzz=1`);
    expect([unknown.status, unknown.body.field]).toEqual([400, "zzz"]);
    if (!path.includes("fulfil")) return;
    expect((await ask(line, undefined, "foreign")).status).toBe(404);
    expect((await ask(line.replace("fulfil", "nothing"))).status).toBe(404);
  },
);

test("each operation of the address has a request here, and the document tells of them", async () => {
  const names = workerOperations.map(({ method, path }) => `${method} ${path}`);
  expect(names.toSorted()).toEqual(Object.keys(requests).toSorted());
  const { body } = await ask("GET /api-docs/openapi.json");
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(["/v1/templates", "/health/ready", "/config"]),
  );
  expect(body.paths).not.toHaveProperty("/v1/tasks");
});
