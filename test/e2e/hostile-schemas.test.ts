/**
 * A template whose schemas keep a validator busy for hours, on a real server: the Task comes to its end, with the
 * reason, others go on beside it, and it is the same after a restart.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasEnded, type TaskRunClient, TaskRunError } from "#client/index";
import { startControlPlane } from "#control-plane";
import { LOCAL_CALLER } from "#domain/caller";
import { planOf } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import type { TemplateBody } from "#domain/template/template";
import { memoryStore } from "#stores/memory/index";
import { spec } from "#testing/rows";
import { type Server, Stage, until } from "./kit/harness.js";

const agents = fileURLToPath(new URL("./fixtures/repeating-agent.mjs", import.meta.url));
/** It cannot run in linear time, for it looks ahead. */
const evil = { type: "string", pattern: "^(?=a)(a+)+$" };
const say = `${"a".repeat(40)}!`;
const handler = { callable: "repeat" };
/** Three second attempts, and on a machine with more to do than cores a second or two to begin each thread. */
const PATIENCE_MS = 60_000;

const stage = new Stage();
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server();
  client = stage.client(server.addr);
  const flags = ["--addr", server.addr, "--id", "w1", "--max-runs", "20", "--module", agents];
  const worker = stage.run(["worker", ...flags]);
  await worker.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  const head = { namespace_name: "default", version: "1.0.0" };
  const hostile = { ...head, name: "hostile", steps: [{ name: "a", handler, result_schema: evil }] };
  const inputs = { type: "object", properties: { say: evil } };
  const picky = { ...head, name: "picky", input_schema: inputs, steps: [{ name: "a", handler }] };
  const honest = {
    ...head,
    name: "honest",
    steps: [{ name: "a", handler, result_schema: { type: "string" } }],
  };
  for (const body of [hostile, picky, honest]) await client.templates.register(JSON.stringify(body));
});
afterAll(() => stage.end());

const ended = (id: string) =>
  until(
    "the task ends",
    async () => {
      const task = await client.tasks.get(id);
      return hasEnded(task) && task;
    },
    PATIENCE_MS,
  );

test("a result that cannot be checked fails its step; others go on beside it, and a restart changes nothing", {
  timeout: 240_000,
}, async () => {
  const create = (name: string) => client.tasks.create({ template: { name }, input: { say } });
  const hostile = await Promise.all(Array.from({ length: 10 }, () => create("hostile")));
  for (let i = 0; i < 20; i += 1) {
    const began = performance.now();
    const { id } = await create("honest");
    expect(await ended(id)).toMatchObject({ status: "COMPLETED", errorMessage: "" });
    expect(performance.now() - began).toBeLessThan(5_000);
  }
  await server.restart();
  for (const { id } of hostile) {
    const task = await ended(id);
    expect(task.status).toBe("FAILED");
    expect(task.errorMessage).toContain("SCHEMA_LIMIT: the result could not be checked by result_schema");
    expect(task.runs.at(-1)).toMatchObject({ status: "FAILED", reason: "SCHEMA_LIMIT" });
  }
});

test("an input that cannot be checked is refused, with the reason", { timeout: 120_000 }, async () => {
  const refused = client.tasks.create(
    { template: { name: "picky" }, input: { say } },
    { timeoutMs: PATIENCE_MS },
  );
  const error = await refused.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(TaskRunError);
  expect(error).toMatchObject({ reason: "SCHEMA_LIMIT" });
});

test("a template that another version took, whose schemas cannot be compiled, stops neither start nor turn", {
  timeout: 60_000,
}, async () => {
  const result_schema = { oneOf: Array.from({ length: 2_000 }, (_, i) => ({ const: { i } })) };
  const body: TemplateBody = {
    name: "old",
    namespace_name: "default",
    version: "1.0.0",
    steps: [
      { name: "a", type: "signal", signal: { name: "go" }, result_schema },
      { name: "b", type: "signal", signal: { name: "on" } },
    ],
  };
  const control = await startControlPlane({ store: memoryStore() });
  const { plane } = control;
  const { name, namespace_name: namespace, version } = body;
  await plane.register(LOCAL_CALLER, { namespace, name, version, body, source: "old", digest: "old" });
  const plan = planOf(body, "development");
  const draft = { agentName: "", template: plan.template, environment: "development" };
  const id = "0190a0a0-0000-7000-8000-000000000001" as TaskId;
  await plane.submit(LOCAL_CALLER, [{ id, namespace: "default", input: "{}", plan, spec: spec(draft) }]);

  const costly = plane.signal(LOCAL_CALLER, id, "go", "1").catch((error: unknown) => error);
  const began = performance.now();
  await plane.signal(LOCAL_CALLER, id, "on", "1");
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await costly).toMatchObject({ reason: "SCHEMA_LIMIT" });
  await control.stop();
});
