/** What a program passes to the client and cannot be sent is its own mistake, and is said to be one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CreateTask, createClient, type TaskRunClient, TaskRunError } from "#client/index";
import { aTask, type FakePlane, fakePlane } from "./fake-plane.js";

let plane: FakePlane;
let client: TaskRunClient;
let sent = 0;
let lastInput = "";
beforeAll(async () => {
  const count = () => {
    sent += 1;
    return aTask();
  };
  plane = await fakePlane({
    createTask: ({ inputJson }) => {
      lastInput = inputJson;
      return count();
    },
    getTask: count,
    cancelTask: count,
    signalTask: count,
    resolveStep: count,
    topUpTask: count,
    retryTask: count,
  });
  client = createClient({ addr: plane.addr });
});
afterAll(async () => {
  client.close();
  await plane[Symbol.asyncDispose]();
});

const cycle: Record<string, unknown> = {};
cycle.self = cycle;
// Each is a mistake of a program in JavaScript, which no compiler has checked.
const any = <T>(value: unknown) => value as T;

type Case = [string, (client: TaskRunClient) => unknown, string];
const cases: Case[] = [
  ["a BigInt in the input", ({ tasks }) => tasks.create({ agent: "a", input: { n: 1n } }), "input_json"],
  ["a cycle", ({ tasks }) => tasks.create({ agent: "a", input: cycle }), "input_json"],
  ["a function", ({ tasks }) => tasks.create({ agent: "a", input: () => 1 }), "input_json"],
  ["a symbol", ({ tasks }) => tasks.create({ agent: "a", input: Symbol("s") }), "input_json"],
  [
    "a toJSON that throws",
    ({ tasks }) => tasks.create({ agent: "a", input: { toJSON: () => JSON.parse("{") } }),
    "input_json",
  ],
  ["input twice", ({ tasks }) => tasks.create({ agent: "a", input: 1, inputJson: "1" }), "input_json"],
  ["a text that is none", ({ tasks }) => tasks.create({ agent: "a", inputJson: any({}) }), "input_json"],
  ["a broken priority", ({ tasks }) => tasks.create({ agent: "a", priority: 1.5 }), "priority"],
  ["a priority as text", ({ tasks }) => tasks.create({ agent: "a", priority: any("high") }), "priority"],
  ["NaN attempts", ({ tasks }) => tasks.create({ agent: "a", maxAttempts: Number.NaN }), "max_attempts"],
  ["negative attempts", ({ tasks }) => tasks.create({ agent: "a", maxAttempts: -1 }), "max_attempts"],
  ["half a millisecond", ({ tasks }) => tasks.create({ agent: "a", timeoutMs: 0.5 }), "timeout_ms"],
  [
    "an endless timeout",
    ({ tasks }) => tasks.create({ agent: "a", timeoutMs: Number.POSITIVE_INFINITY }),
    "timeout_ms",
  ],
  [
    "seconds for milliseconds",
    ({ tasks }) => tasks.create({ agent: "a", startAtMs: 1_800_000_000 }),
    "start_at_ms",
  ],
  ["a start of 1", ({ tasks }) => tasks.create({ agent: "a", startAtMs: 1 }), "start_at_ms"],
  ["a Date", ({ tasks }) => tasks.create({ agent: "a", startAtMs: any(new Date()) }), "start_at_ms"],
  ["a label of 1", ({ tasks }) => tasks.create({ agent: "a", labels: any({ a: 1 }) }), "labels"],
  [
    "labels as a Map",
    ({ tasks }) => tasks.create({ agent: "a", labels: any(new Map([["a", "b"]])) }),
    "labels",
  ],
  ["labels as a list", ({ tasks }) => tasks.create({ agent: "a", labels: any(["a"]) }), "labels"],
  ["an agent of 5", ({ tasks }) => tasks.create({ agent: any(5) }), "agent_name"],
  ["a template as text", ({ tasks }) => tasks.create({ template: any("trip") }), "template"],
  [
    "a template without text for a name",
    ({ tasks }) => tasks.create({ template: any({ name: 7 }) }),
    "template.name",
  ],
  ["no request", ({ tasks }) => tasks.create(any(undefined)), "request"],
  [
    "a wrong one of many",
    ({ tasks }) => tasks.createMany([{ agent: "a" }, { agent: "a", priority: 0.1 }]),
    "tasks[1].priority",
  ],
  [
    "a BigInt in one of many",
    ({ tasks }) => tasks.createMany([{ agent: "a" }, { agent: "a", input: 1n }]),
    "tasks[1].input_json",
  ],
  ["many that are no list", ({ tasks }) => tasks.createMany(any({})), "tasks"],
  ["an id of 5", ({ tasks }) => tasks.get(any(5)), "id"],
  ["an id of null", ({ tasks }) => tasks.get(any(null)), "id"],
  ["a reason of {}", ({ tasks }) => tasks.cancel("t", any({})), "reason"],
  ["a payload of 1n", ({ tasks }) => tasks.signal("t", "s", 1n), "payload_json"],
  ["a payload's text of 1", ({ tasks }) => tasks.signalJson("t", "s", any(1)), "payload_json"],
  [
    "a result of 1n",
    ({ tasks }) => tasks.resolveStep("t", "s", { action: "complete", result: 1n }),
    "result_json",
  ],
  ["no such action", ({ tasks }) => tasks.resolveStep("t", "s", any({ action: "redo" })), "action"],
  ["no action", ({ tasks }) => tasks.resolveStep("t", "s", any(undefined)), "action"],
  ["an inherited word", ({ tasks }) => tasks.resolveStep("t", "s", any({ action: "constructor" })), "action"],
  ["no such status", ({ tasks }) => tasks.page({ status: any("DONE") }), "status_filter"],
  ["half a page", ({ tasks }) => tasks.page({ pageSize: 0.5 }), "page_size"],
  ["half an event", async ({ tasks }) => tasks.watch("t", { afterSeq: 0.5 }).next(), "after_seq"],
  ["an event before the first", async ({ tasks }) => tasks.watch("t", { afterSeq: -1 }).next(), "after_seq"],
  ["a key of 5", ({ tasks }) => tasks.retry("t", { idempotencyKey: any(5) }), "idempotency_key"],
  ["no such worker status", ({ workers }) => workers.list({ status: any("LAZY") }), "status"],
  ["a worker of 5", ({ workers }) => workers.get(any(5)), "worker_id"],
  ["a source of {}", ({ templates }) => templates.register(any({})), "source"],
  ["a template's name of 5", ({ templates }) => templates.get({ name: any(5) }), "template.name"],
  ["a broken deadline", ({ tasks }) => tasks.get("t", { timeoutMs: Number.NaN }), "timeoutMs"],
  ["a signal of 5", ({ tasks }) => tasks.create({ agent: "a" }, { signal: any(5) }), "signal"],
  ["a signal of {}", ({ tasks }) => tasks.get("t", { signal: any({}) }), "signal"],
  ["a watch's signal of text", async ({ tasks }) => tasks.watch("t", { signal: any("x") }).next(), "signal"],
  ["a count of text", async ({ tasks }) => tasks.watch("t", { failuresMax: any("3") }).next(), "failuresMax"],
  ["a listener of 5", async ({ tasks }) => tasks.watch("t", { onLost: any(5) }).next(), "onLost"],
  [
    "an event's listener of 5",
    ({ tasks }) => tasks.run({ agent: "a" }, any<object>({ onEvent: 5 })),
    "onEvent",
  ],
  ["control of null", ({ tasks }) => tasks.create({ agent: "a" }, any(null)), "control"],
  ["control of text", ({ tasks }) => tasks.get("t", any("x")), "control"],
  ["a filter of null", ({ tasks }) => tasks.page(any(null)), "filter"],
  ["a filter of 5", ({ tasks }) => tasks.list(any(5)).next(), "filter"],
  ["options of null, waiting", ({ tasks }) => tasks.wait("t", any(null)), "options"],
  ["options of null, watching", async ({ tasks }) => tasks.watch("t", any(null)).next(), "options"],
  ["options of null, once more", ({ tasks }) => tasks.retry("t", any(null)), "options"],
  ["workers by null", ({ workers }) => workers.list(any(null)), "filter"],
  ["templates by null", ({ templates }) => templates.page(any(null)), "filter"],
  ["no template", ({ templates }) => templates.get(any(undefined)), "template"],
  ["a template of null", ({ templates }) => templates.get(any(null)), "template"],
  ["a status of 1n", ({ tasks }) => tasks.page({ status: any(1n) }), "status_filter"],
  [
    "a misspelled name of a request",
    ({ tasks }) => tasks.create(any({ agent: "a", idempotency_key: "k" })),
    "request",
  ],
  [
    "a misspelled name in one of many",
    ({ tasks }) => tasks.createMany([{ agent: "a" }, any({ agent: "a", label: {} })]),
    "tasks[1].request",
  ],
  [
    "a misspelled name of a run",
    ({ tasks }) => tasks.run(any<CreateTask>({ agent: "a", inputs: {} })),
    "request",
  ],
  ["an unknown option of a call", ({ tasks }) => tasks.get("t", any({ timeout: 1 })), "control"],
  ["an unknown option of a retry", ({ tasks }) => tasks.retry("t", any({ key: "k" })), "options"],
  [
    "an unknown option of a watch",
    async ({ tasks }) => tasks.watch("t", any({ after: 1 })).next(),
    "options",
  ],
  ["a timeout of a wait", ({ tasks }) => tasks.wait("t", any({ timeoutMs: 5 })), "options"],
  ["a timeout of a run", ({ tasks }) => tasks.run({ agent: "a" }, any<object>({ timeoutMs: 5 })), "options"],
  ["an unknown option of a result", ({ tasks }) => tasks.result("t", any({ waits: true })), "options"],
  ["an unknown filter", ({ tasks }) => tasks.page(any({ state: "x" })), "filter"],
  ["a page of a list", ({ tasks }) => tasks.list(any({ pageToken: "x" })).next(), "filter"],
  ["an unknown filter of agents", ({ agents }) => agents.page(any({ name: "x" })), "filter"],
  ["an unknown filter of workers", ({ workers }) => workers.list(any({ agents: "x" })), "filter"],
  ["an unknown filter of templates", ({ templates }) => templates.page(any({ version: "1" })), "filter"],
  ["a deadline in the past", ({ tasks }) => tasks.get("t", { timeoutMs: -1 }), "timeoutMs"],
];

test.each(cases)("%s is INVALID_ARGUMENT with the field, and is not sent", async (_, call, field) => {
  sent = 0;
  const error = await (async () => call(client))().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TaskRunError);
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field }] });
  expect((error as TaskRunError).message.startsWith(field)).toBe(true);
  expect(sent).toBe(0);
});

test("an unknown name says what was meant, or what there is, and members that are undefined count as left out", async () => {
  const messageOf = async (call: Promise<unknown>): Promise<string> => {
    return call.then(
      () => "",
      (error: Error) => error.message,
    );
  };
  const { tasks } = client;

  expect(await messageOf(tasks.create(any({ agent: "a", idempotency_key: "k" })))).toBe(
    "request has no idempotency_key; did you mean idempotencyKey?",
  );
  expect(await messageOf(tasks.get("t", any({ deadline: 5 })))).toBe(
    "control has no deadline; there are signal, timeoutMs, traceparent.",
  );
  expect(await messageOf(tasks.wait("t", any({ timeoutMs: 5 })))).toMatch(/by signal: AbortSignal\.timeout/);
  expect(await messageOf(tasks.get("t", any({ deadline: undefined })))).toBe("");
  expect(await messageOf(tasks.create(any({ agent: "a", customer: "c-1" })))).toBe("");
});

test.each([
  ["a big number", "12345678901234567890"],
  ["trailing zeros", "1.10"],
  ["more than a double", "1e400"],
  ["a minus zero", "-0"],
])("the text of an input is sent as it is: %s", async (_, inputJson) => {
  await client.tasks.create({ agent: "a", inputJson });
  expect(lastInput).toBe(inputJson);
});

test("a timeout longer than gRPC can say is none, and one with a fraction is rounded up", async () => {
  for (const timeoutMs of [1e12, Number.POSITIVE_INFINITY, 9_999.5]) {
    expect(await client.tasks.get("t", { timeoutMs })).toMatchObject({ id: "t1" });
  }
});

test("an aborted signal, whatever its reason, is CANCELLED", async () => {
  for (const reason of [undefined, new Error("enough"), "enough", new DOMException("late", "TimeoutError")]) {
    const call = client.tasks.get("t", { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toMatchObject({ name: "TaskRunError", code: "CANCELLED" });
  }
});

test("options that are none are refused when the client is made", () => {
  expect(() => createClient({ timeoutMs: Number.NaN })).toThrow("timeoutMs is NaN; send milliseconds");
  expect(() => createClient(any({ address: "x:1" }))).toThrow("options has no address; there are addr");
  expect(() => createClient(any({ namespace: 5 }))).toThrow("namespace is number; send a string");
  expect(() => createClient(any("localhost:1"))).toThrow('options is "localhost:1"; send an object');
});
