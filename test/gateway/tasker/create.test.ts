/** `POST /v1/tasks`, in each of its spellings. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { type Opened, open } from "../kit/open.js";
import { asked, registerTemplates } from "./kit.js";

let opened: Opened;

beforeEach(async () => {
  opened = await open();
  registerTemplates(opened.plane);
});

afterEach(() => opened.gateway.close(1_000));

const create = (body: unknown, query = "", headers = {}) =>
  asked(opened.httpPort, `POST /v1/tasks${query}`, body, headers);
const draft = () => opened.plane.drafts.at(-1);

test("the commands of Tasker's own pages create Tasks", async () => {
  const linear = await create('{"template_name": "linear_workflow", "namespace": "example"}');
  expect([linear.status, linear.body.name, linear.body.version, linear.body.status]).toEqual([
    200,
    "linear_workflow",
    "0.1.0",
    "enqueuing_steps",
  ]);
  const order = await create('{"name": "order_fulfillment", "namespace": "orders", "version": "1.0.0"}', "", {
    "X-API-Key": "your-api-key",
  });
  expect([order.status, order.body.name, order.body.namespace]).toEqual([200, "order_fulfillment", "orders"]);
  expect(order.body.task_uuid).toBe(order.body.id);
  expect(order.body.task_status).toBe("TASK_STATUS_PENDING");
});

test("all that Tasker's clients send is kept, and is answered", async () => {
  const { body } = await create({
    name: "order_fulfillment",
    namespace: "orders",
    version: null,
    context: { order: 7 },
    initiator: "shop",
    source_system: "web",
    reason: "order placed",
    tags: ["vip", "eu", "vip"],
    priority: 5,
    correlation_id: "c-1",
    parent_correlation_id: "c-0",
    requested_at: "2026-01-31T09:00:00Z",
    idempotency_key: "k-1",
    options: null,
  });
  expect(body).toMatchObject({
    version: "1.0.0",
    context: { order: 7 },
    initiator: "shop",
    created_by: "shop",
    source_system: "web",
    reason: "order placed",
    tags: ["vip", "eu"],
    priority: 5,
    correlation_id: "c-1",
    parent_correlation_id: "c-0",
  });
  expect(draft()?.spec).toMatchObject({ idempotencyKey: "k-1", createdBy: "shop" });
});

test("a context keeps its digits", async () => {
  const { text } = await create(
    '{"name":"fulfil","namespace":"orders","context":{"id":12345678901234567890,"p":1.10}}',
  );
  expect(draft()?.input).toBe('{"id":12345678901234567890,"p":1.10}');
  expect(text).toContain('"context":{"id":12345678901234567890,"p":1.10}');
});

test("a text is kept as it was sent, whatever it begins with", async () => {
  await create('{"name":"fulfil","namespace":"orders","reason":"\\u00001.10","context":{"a":"\\u00001.10"}}');
  expect(draft()?.spec.labels).toEqual({ "tasker.reason": "\u00001.10" });
  expect(draft()?.input).toBe('{"a":"\\u00001.10"}');
});

test("a Task of an agent is created in our words, in either case", async () => {
  const agent = await create({ agent_name: "echo", input_json: '{"a": 1}', created_by: "me" });
  expect(agent.body).toMatchObject({ name: "echo", version: "", agent_name: "echo", context: { a: 1 } });
  const camel = await create({ agentName: "echo", inputJson: "5" });
  expect([camel.body.context, camel.body.steps[0].name]).toEqual([5, "main"]);
  const ours = await create({ template: { namespace: "orders", name: "fulfil" } });
  expect(ours.body).toMatchObject({ name: "fulfil", template: { version: "1.0.0" } });
});

test("whoever waits is answered when the Task has ended, or after the time as it stands", async () => {
  const waiting = create({ agent_name: "echo" }, "?wait=30s");
  await expect.poll(() => opened.plane.drafts.length).toBe(1);
  opened.plane.finish(draft()?.id as never, "complete", '{"done":true}');
  expect((await waiting).body).toMatchObject({ status: "complete", output_json: '{"done":true}' });
  expect((await create({ agent_name: "echo" }, "?wait=1ms")).body.status).toBe("enqueuing_steps");
  expect((await create({ agent_name: "echo" }, "?wait=0")).status).toBe(200);
});

test("a header may have the idempotency key, in every spelling", async () => {
  const key = { "Idempotency-Key": "k-2" };
  await create({ name: "fulfil", namespace: "orders" }, "", key);
  expect(draft()?.spec.idempotencyKey).toBe("k-2");
  await create({ agent_name: "echo" }, "", key);
  expect(draft()?.spec.idempotencyKey).toBe("k-2");
  const other = await create({ name: "fulfil", namespace: "orders", idempotency_key: "l" }, "", key);
  expect([other.status, other.body.field]).toEqual([400, "idempotency_key"]);
});

const long = "x".repeat(limits.labelBytes + 1);

test.each([
  ["no name", {}, "name is required"],
  ["an unknown member", { name: "fulfil", contxt: {} }, "contxt is not known here; did you mean context?"],
  ["an unknown member of ours", { agent_name: "echo", input: {} }, "did you mean inputJson?"],
  ["two names", { name: "a", template_name: "b" }, "template_name is another one than name"],
  ["a context that is no object", { name: "fulfil", context: [1] }, "context is no object"],
  ["a priority that is none", { name: "fulfil", priority: 1.5 }, "priority is 1.5: send a whole number"],
  ["a priority out of range", { name: "fulfil", namespace: "orders", priority: 101 }, "priority is 101"],
  ["tags that are no list", { name: "fulfil", tags: "vip" }, "tags is no list"],
  ["a tag that is a number", '{"name":"fulfil","tags":[1.10]}', "tags[0] is no text"],
  ["a reason that is a number", '{"name":"fulfil","reason":12345678901234567890}', "reason is no text"],
  ["an initiator that is a number", '{"name":"fulfil","initiator":1.10}', "initiator is no text"],
  ["a long reason", { name: "fulfil", reason: long }, "reason is 257 bytes long"],
  ["options", { name: "fulfil", options: { a: 1 } }, "options is not kept"],
  ["what is no object", [], "the body is no object"],
  ["what is no JSON", "{", "the text ends too early at line 1, column 2"],
  ["a wrong version", { name: "fulfil", version: "one" }, "is no version"],
])("%s is refused by its name", async (_, body, words) => {
  const { status, body: problem } = await create(body);
  expect([status, problem.error.code]).toEqual([400, "BAD_REQUEST"]);
  expect(problem.error.message).toContain(words);
  expect(opened.plane.drafts).toEqual([]);
});

test.each([
  ["initiator", { name: "fulfil", initiator: "\n" }],
  ["context", { name: "fulfil", context: { text: "x".repeat(limits.inputBytes) } }],
  ["version", { name: "fulfil", version: "one" }],
  ["name", { name: "\n" }],
  ["priority", { name: "fulfil", priority: 101 }],
  ["created_by", { agent_name: "echo", created_by: "\n" }],
])("%s is refused by the name that was sent, also of whoever waits", async (field, request) => {
  for (const query of ["", "?wait=1s"]) {
    const { status, body } = await create(request, query);
    expect([status, body.field, body.error.message.split(" ")[0]]).toEqual([400, field, field]);
  }
});

test.each([
  ["?wait=soon", 'wait is "soon"'],
  ["?wait=11m", "wait is 11m; the longest is 600s"],
  ["?weight=1s", "weight is no parameter of this path"],
  ["?wait=1s&wait=2s", "wait is there twice"],
])("the query %s is refused", async (query, words) => {
  const { status, body } = await create({ agent_name: "echo" }, query);
  expect(status).toBe(400);
  expect(body.error.message).toContain(words);
});

test("a template that is not there is not found", async () => {
  const { status, body } = await create({ name: "nothing", namespace: "orders" });
  expect([status, body.error.code, body.reason]).toEqual([404, "NOT_FOUND", "TEMPLATE_NOT_FOUND"]);
});

test("an overloaded server says when to come again, in each of the forms", async () => {
  opened.plane.refusal = new Fault("overloaded", "too many wait", { retryAfter: millis(1_500) });
  const { status, headers, body } = await create({ agent_name: "echo" });
  expect([status, headers.get("retry-after"), body.error]).toEqual([
    503,
    "2",
    { code: "BACKPRESSURE", message: "too many wait", retry_after_seconds: 2 },
  ]);
});
