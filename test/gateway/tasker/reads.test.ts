/** What Tasker's paths answer with about Tasks, Steps and templates. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import { stepKey } from "#domain/id";
import { withStepAction } from "#domain/task/step-action";
import { instant } from "#domain/time/time";
import { stepUuid } from "#gateway/tasker/shapes/step-uuid";
import { limits } from "#limits/index";
import { run, task } from "#testing/rows";
import { type Opened, open } from "../kit/open.js";
import { asked, held, holdTask, registerTemplates } from "./kit.js";

interface AuditPart {
  readonly to_state: string;
  readonly result: unknown;
}

let opened: Opened;

beforeEach(async () => {
  opened = await open();
  holdTask(opened.plane);
});

afterEach(() => opened.gateway.close(1_000));

const ask = (line: string, body?: unknown) => asked(opened.httpPort, line, body);
const TASK = `/v1/tasks/${held}`;
const STEP = `${TASK}/workflow_steps/${stepUuid(held, "ship")}`;

test("a Task is in Tasker's shape, and ours is beside it", async () => {
  const { body, text, headers } = await ask(`GET ${TASK}`);
  expect(body).toMatchObject({
    task_uuid: held,
    id: held,
    name: "fulfil",
    status: "blocked_by_failures",
    state: "TASK_STATE_BLOCKED_BY_FAILURES",
    task_status: "TASK_STATUS_RUNNING",
    execution_status: "blocked_by_failures",
    recommended_action: "handle_failures",
    total_steps: 2,
    completion_percentage: 50,
    created_at: "1970-01-01T00:00:01.000Z",
    created_at_ms: "1000",
    steps: [
      { name: "pack", current_state: "complete", state: "STEP_STATE_COMPLETE", agent_name: "echo" },
      { name: "ship", current_state: "error", total_parents: 1, completed_parents: 1 },
    ],
  });
  expect(body).not.toHaveProperty("input_json");
  expect(text).toContain('"context":{"order": 12345678901234567890}');
  expect(text).toContain('"results":{"n":12345678901234567890}');
  const again = await asked(opened.httpPort, `GET ${TASK}`, undefined, {
    "if-none-match": headers.get("etag") ?? "",
  });
  expect(again.status).toBe(304);
});

test("a summary leaves out what is large, and says what to look at", async () => {
  const { body, text } = await ask(`GET ${TASK}/summary`);
  expect(body).toMatchObject({
    task: { task_uuid: held, status: "blocked_by_failures" },
    template: {
      steps: [
        { name: "pack", handler: "echo" },
        { name: "ship", dependencies: ["pack"] },
      ],
    },
    steps: [{ name: "pack", error: null }, { name: "ship" }],
    dlq: { in_dlq: true, dlq_reason: "manual_dlq", resolution_status: "pending" },
    links: { task: TASK, steps: `${TASK}/workflow_steps`, dlq: `/v1/dlq/task/${held}` },
  });
  expect(text).not.toContain("123456789");
});

test("a Step is found by its UUID and by its name, with its result", async () => {
  const all = await ask(`GET ${TASK}/workflow_steps`);
  expect(all.body.map((each: { name: string }) => each.name)).toEqual(["pack", "ship"]);
  const byUuid = await ask(`GET ${TASK}/workflow_steps/${stepUuid(held, "pack")}`);
  expect(byUuid.text).toContain('"results":{"n":12345678901234567890}');
  expect(byUuid.body.step_uuid).toBe(stepUuid(held, "pack"));
  expect((await ask(`GET ${TASK}/workflow_steps/pack`)).text).toBe(byUuid.text);
});

test.each([
  ["reset_for_retry", { reason: "again", reset_by: "ann" }, { type: "retry" }],
  ["ResolveManually", { reason: "seen", resolved_by: "ann" }, { type: "resolve" }],
  [
    "complete_manually",
    { completed_by: "ann", completion_data: { result: { n: 1 }, metadata: {} } },
    { type: "complete", output: '{"n":1}' },
  ],
])("an operator can %s a Step", async (action_type, more, action) => {
  const { status, body } = await ask(`PATCH ${STEP}`, { action_type, ...more });
  expect([status, body.name, body.task_state]).toEqual([200, "ship", "blocked_by_failures"]);
  expect(opened.plane.said).toEqual([{ taskId: held, stepName: "ship", action }]);
});

test("a result keeps its digits", async () => {
  await ask(`PATCH ${STEP}`, '{"action_type":"complete_manually","completion_data":{"result":{"n":1.10}}}');
  expect(opened.plane.said).toMatchObject([{ action: { type: "complete", output: '{"n":1.10}' } }]);
});

test.each([
  [{}, "action_type is required: send one of reset_for_retry"],
  [{ action_type: "retry" }, 'action_type is "retry"; it is one of'],
  [
    { action_type: "reset_for_retry", resolved_by: "x" },
    "resolved_by is not known here; there are action_type, reason, reset_by",
  ],
  ['{"action_type":"reset_for_retry","reason":1.10}', "reason is no text"],
  ['{"action_type":"reset_for_retry","reset_by":12345678901234567890}', "reset_by is no text"],
  [{ action_type: "complete_manually" }, "completion_data is required"],
  [{ action_type: "complete_manually", completion_data: { reslt: 1 } }, "completion_data.reslt is not known"],
  [
    { action_type: "complete_manually", completion_data: { metadata: { a: 1 } } },
    "completion_data.metadata is not kept",
  ],
])("a decision that says %j is refused", async (body, words) => {
  const answer = await ask(`PATCH ${STEP}`, body);
  expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining(words)]);
  expect(opened.plane.said).toEqual([]);
});

test("an audit says who did what to a Step", async () => {
  const action = { at: instant(9_000), actor: "key:ann", type: "retry", reason: "again" } as const;
  opened.plane.stepActions.set(
    stepKey({ taskId: held, stepName: "ship" }),
    withStepAction(undefined, action),
  );
  const { body } = await ask(`GET ${STEP}/audit`);
  expect(body).toEqual([
    expect.objectContaining({
      step_uuid: stepUuid(held, "ship"),
      task_uuid: held,
      recorded_at: "1970-01-01T00:00:09.000Z",
      to_state: "pending",
      actor: "key:ann",
      reason: "again",
    }),
  ]);
});

test("an audit has the result where the Step was completed, also by hand, and however large it is", async () => {
  const pack = { taskId: held, stepName: "pack" };
  const worked = run("run-1" as RunId, held, { ...pack, status: "COMPLETED", finishedAt: instant(2_000) });
  const detail = opened.plane.details.get(held);
  if (!detail) throw new Error("the Task is there");
  opened.plane.details.set(held, { ...detail, runs: [worked] });
  const action = { at: instant(9_000), actor: "key:ann", type: "complete", reason: "seen" } as const;
  opened.plane.stepActions.set(stepKey(pack), withStepAction(undefined, action));
  const large = "x".repeat(limits.messageBytes - 2);
  opened.plane.outputs.set(stepKey(pack), JSON.stringify(large));
  const { body } = await ask(`GET ${TASK}/workflow_steps/pack/audit`);
  expect(body.map((entry: AuditPart) => [entry.to_state, entry.result === large])).toEqual([
    ["complete", true],
    ["enqueued_for_orchestration", false],
  ]);
});

test("a decision is answered although its Task has been removed since", async () => {
  const { plane } = opened;
  const decide = plane.resolve.bind(plane);
  plane.resolve = async (...args) => {
    const receipt = await decide(...args);
    plane.details.delete(held);
    return receipt;
  };
  const removed = await ask(`PATCH ${STEP}`, { action_type: "resolve_manually" });
  expect([removed.status, removed.body.name]).toEqual([200, "ship"]);
});

test("a Task that is cancelled is answered as it is then", async () => {
  const { body } = await ask(`DELETE ${TASK}?reason=enough`);
  expect(body).toMatchObject({ task_uuid: held, status: "cancelled", success: true });
  const again = await ask(`DELETE ${TASK}`);
  expect([again.status, again.body.error.code]).toEqual([409, "CONFLICT"]);
});

/** Further Tasks, so many that they take pages. */
function addTasks(count: number): void {
  for (let i = 0; i < count; i++) {
    const id = `0193${String(i).padStart(4, "0")}` as TaskId;
    opened.plane.details.set(id, { task: task(id), input: "{}", steps: [], runs: [] });
  }
}

const idsOf = (body: { tasks: { id: string }[] }) => body.tasks.map(({ id }) => id);

test("Tasks are listed by page number, and go on by token", async () => {
  addTasks(60);
  const first = await ask("GET /v1/tasks");
  expect([first.body.tasks.length, first.body.pagination]).toEqual([
    25,
    {
      page: 1,
      per_page: 25,
      total_count: 26,
      total_count_is_exact: false,
      total_pages: 2,
      has_next: true,
      has_previous: false,
    },
  ]);
  const third = await ask("GET /v1/tasks?page=3&per_page=25");
  expect(third.body.pagination).toMatchObject({
    total_count: 61,
    total_count_is_exact: true,
    has_next: false,
  });
  expect(third.body.tasks.length).toBe(11);
  const second = await ask("GET /v1/tasks?page=2");
  const byToken = await ask(`GET /v1/tasks?page_token=${first.body.next_page_token}`);
  expect(idsOf(byToken.body)).toEqual(idsOf(second.body));
  const all = [first, second, third].flatMap(({ body }) => idsOf(body));
  expect(new Set(all).size).toBe(61);
  expect(first.body.tasks[0]).toMatchObject({ context: null, steps: [], total_steps: 1 });
});

test("filters of Tasker and of ours are those of the store", async () => {
  const query = [
    ...["namespace=orders", "status=in_progress", "initiator=shop", "source_system=web"],
    ...["tags=vip", "tags=eu", "correlation_id=c", "labels[colour]=red"],
  ];
  expect((await ask(`GET /v1/tasks?${query.join("&")}`)).status).toBe(200);
  expect(opened.plane.filters.at(-1)).toEqual({
    namespaces: ["orders"],
    states: ["steps_in_process"],
    createdBy: "shop",
    correlationId: "c",
    labels: { colour: "red", "tasker.source_system": "web", "tasker.tag.vip": "", "tasker.tag.eu": "" },
  });
  await ask("GET /v1/tasks?task_status=running");
  expect(opened.plane.filters.at(-1)).toMatchObject({ status: "RUNNING" });
});

test.each([
  ["page=0", "page is"],
  ["per_page=101", "send a whole number, 1 to 100"],
  ["per_page=ten", "per_page is"],
  ["page=500", "page begins after 49900 rows, and only the first 10000 rows"],
  ["status=done", 'status is "done"; it is one of pending'],
  ["task_status=complete", "task_status is"],
  ["limit=5", "send per_page"],
  ["pge=1", "pge is no parameter of this path"],
  ["initiator=a&created_by=b", "initiator is another one than created_by"],
  ["initiator=%00", "initiator contains control characters"],
  ["created_by=%00", "created_by contains control characters"],
  ["page=2&page_token=MDE5Mw", "leave page out"],
  ["page_token=!", "page_token is not understood"],
])("a list with %s is refused", async (query, words) => {
  const { status, body } = await ask(`GET /v1/tasks?${query.replace("page=500", "page=500&per_page=100")}`);
  expect([status, body.error.message]).toEqual([400, expect.stringContaining(words)]);
});

test.each([
  [
    { resolution_status: "cancelled", resolution_notes: null },
    { status: "CANCELLED", notes: undefined },
  ],
  [
    { resolution_status: "cancelled", resolved_by: "ann" },
    { status: "CANCELLED", notes: "ann" },
  ],
  [
    { resolved_by: "ann", resolution_notes: "seen" },
    { status: undefined, notes: "ann: seen" },
  ],
  [{ resolution_notes: "" }, { status: undefined, notes: "" }],
])("an update of a dead letter with %j is kept as it is said", async (body, change) => {
  expect((await ask(`PATCH /v1/dlq/entry/${held}`, body)).status).toBe(200);
  expect(opened.plane.said).toEqual([{ taskId: held, ...change }]);
});

test("templates are listed with their namespaces, and shown with the attempts of their Steps", async () => {
  registerTemplates(opened.plane);
  const { body } = await ask("GET /v1/templates?namespace=orders");
  expect(body).toMatchObject({
    namespaces: [{ name: "orders", template_count: 2 }],
    templates: [
      { name: "fulfil", namespace: "orders", version: "1.0.0", step_count: 1 },
      { name: "order_fulfillment" },
    ],
    total_count: 2,
    next_page_token: "",
  });
  const first = await ask("GET /v1/templates?page_size=2");
  const second = await ask(`GET /v1/templates?page_size=2&page_token=${first.body.next_page_token}`);
  expect([first.body.templates.length, second.body.templates.length]).toEqual([2, 1]);
  const one = await ask("GET /v1/templates/orders/fulfil/1.0.0");
  expect(one.body).toMatchObject({
    name: "fulfil",
    configuration: { namespace_name: "orders" },
    steps: [{ name: "main", default_max_attempts: 3, default_retryable: true }],
  });
});

test("what is not offered says what is instead", async () => {
  for (const path of [
    "/v1/analytics/performance?hours=24",
    "/v1/analytics/bottlenecks?limit=10&min_executions=5",
  ]) {
    const { status, body } = await ask(`GET ${path}`);
    expect([status, body.reason, body.error.message]).toEqual([
      501,
      "NOT_AVAILABLE",
      expect.stringContaining("/metrics"),
    ]);
  }
});

test("the settings that are shown are a list, with numbers as numbers", async () => {
  const { body } = await ask("GET /config");
  expect(Object.keys(body).toSorted()).toEqual([
    "auth",
    "circuit_breakers",
    "database_pools",
    "deployment_mode",
    "messaging",
    "metadata",
  ]);
  expect(body).toMatchObject({
    circuit_breakers: { enabled: false },
    auth: { enabled: false, api_key_count: 0 },
  });
});
