import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { bindingOf, type HttpRule } from "#gateway/rest/http-rule";
import { requestOf } from "#gateway/rest/transcode";
import { limits } from "#limits/index";
import { TaskStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  CreateTaskRequestSchema,
  type ListTasksRequestSchema,
  ResolveAction,
  ResolveStepRequestSchema,
  RunTaskRequestSchema,
  TaskService,
} from "#wire/gen/taskrun/v1/task_service_pb";

const { createTask, getTask, listTasks, resolveStep, runTask } = TaskService.method;

const rule = (given: Partial<HttpRule>): HttpRule => {
  return { selector: "a.B.C", method: "POST", path: "/v1/x", body: "", responseBody: "", ...given };
};

const creates = bindingOf(rule({ body: "*" }), createTask);
const lists = bindingOf(rule({ method: "GET" }), listTasks);
const resolves = bindingOf(rule({ path: "/v1/{task_id}/{step_name}", body: "*" }), resolveStep);
const runs = bindingOf(rule({ path: "/v1/run", body: "task" }), runTask);

interface Words {
  readonly path?: string;
  readonly query?: string;
  readonly body?: string;
}

function read(binding: typeof creates, { path = binding.rule.path, query = "", body = "" }: Words) {
  const params = binding.template.match(path);
  if (!params) throw new Error(`${path} does not match`);
  return requestOf(binding, { params, query: new URLSearchParams(query), body: Buffer.from(body) });
}

function refusal(binding: typeof creates, words: Words): Pick<Fault, "code" | "reason" | "message"> {
  try {
    read(binding, words);
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, reason: error.reason, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}

test("a body is the message, in either spelling", () => {
  const body = JSON.stringify({ agent_name: "echo", inputJson: "{}", labels: { a: "b" }, priority: -3 });
  expect(read(creates, { body })).toEqual(
    create(CreateTaskRequestSchema, { agentName: "echo", inputJson: "{}", labels: { a: "b" }, priority: -3 }),
  );
});

test("a body that is left out says nothing", () => {
  expect(read(creates, {})).toEqual(create(CreateTaskRequestSchema));
});

test("a query has every kind of field that a text can be", () => {
  const query =
    "status_filter=running&pageSize=7&labels[a]=b&labels[__proto__]=c&agent_filter=x%26y&id_prefix=0";
  const labels = Object.fromEntries([
    ["a", "b"],
    ["__proto__", "c"],
  ]);
  expect(read(lists, { query })).toMatchObject({
    statusFilter: TaskStatus.RUNNING,
    pageSize: 7,
    agentFilter: "x&y",
    idPrefix: "0",
  });
  expect(
    Object.entries((read(lists, { query }) as MessageInitShape<typeof ListTasksRequestSchema>).labels ?? {}),
  ).toEqual(Object.entries(labels));
});

test("a path sets its fields, and the body the others", () => {
  const body = JSON.stringify({
    action: "RESOLVE_ACTION_COMPLETE_MANUALLY",
    result_json: "1",
    task_id: "t 1",
  });
  expect(read(resolves, { path: "/v1/t%201/s", body })).toEqual(
    create(ResolveStepRequestSchema, {
      taskId: "t 1",
      stepName: "s",
      action: ResolveAction.COMPLETE_MANUALLY,
      resultJson: "1",
    }),
  );
});

test("a body may be one field, and the query the rest", () => {
  const read1 = read(runs, { query: "wait_ms=250", body: '{"agent_name":"echo"}' });
  expect(read1).toEqual(create(RunTaskRequestSchema, { task: { agentName: "echo" }, waitMs: 250n }));
});

test("fields within fields are written with a dot", () => {
  const message = read(bindingOf(rule({}), createTask), { query: "template.namespace=n&template.name=m" });
  expect(message).toEqual(create(CreateTaskRequestSchema, { template: { namespace: "n", name: "m" } }));
});

test.each<[string, typeof creates, Words, string]>([
  [
    "an unknown parameter",
    lists,
    { query: "agnt_filter=x" },
    "agnt_filter is no parameter of this path; did you mean agent_filter?",
  ],
  ["a value of the wrong kind", lists, { query: "page_size=many" }, "page_size is wrong"],
  ["an unknown value", lists, { query: "status_filter=RUNING" }, "did you mean TASK_STATUS_RUNNING?"],
  ["a second value", lists, { query: "page_size=1&page_size=2" }, "it is there twice"],
  ["a map as a whole", lists, { query: "labels=a" }, "write labels[KEY]=VALUE"],
  ["an entry of what is no map", lists, { query: "page_size[a]=1" }, "page_size is no map"],
  ["a field of what has none", lists, { query: "page_size.a=1" }, "page_size has no fields"],
  [
    "a message as a whole",
    bindingOf(rule({}), createTask),
    { query: "template=a" },
    "write template.FIELD=VALUE",
  ],
  ["a query beside a body", creates, { query: "priority=1" }, "takes its fields in the body"],
  [
    "what the path sets",
    bindingOf(rule({ method: "GET", path: "/v1/{id}" }), getTask),
    { path: "/v1/a", query: "id=b" },
    "is set by the path",
  ],
  ["what the body is", runs, { query: "task.agent_name=x" }, "is set by the path or the body"],
  ["a body that is not taken", lists, { body: "{}" }, "takes no body"],
  [
    "a body that says something else",
    resolves,
    { path: "/v1/t/s", body: '{"task_id":"u"}' },
    "task_id is another one in the body",
  ],
  ["a body that is no JSON", creates, { body: "{" }, "it is not JSON"],
  [
    "a body with an unknown name",
    creates,
    { body: '{"agent":"x"}' },
    "agent is no field of CreateTaskRequest",
  ],
  [
    "too many parameters",
    lists,
    { query: Array.from({ length: limits.queryParameters + 1 }, (_, i) => `labels[${i}]=x`).join("&") },
    "more than 100",
  ],
])("%s is refused", (_, binding, words, message) => {
  const { code, message: said } = refusal(binding, words);
  expect(code).toBe("invalid");
  expect(said).toContain(message);
});

test.each<[string, Partial<HttpRule>, DescMethodUnary]>([
  ["a variable that is no field", { path: "/v1/{ids}" }, getTask],
  ["a variable of many values", { path: "/v1/{labels}" }, listTasks],
  ["a body that is no message", { body: "id" }, getTask],
  ["a GET with a body", { method: "GET", body: "*" }, getTask],
])("%s is no binding", (_, given, rpc) => {
  expect(() => bindingOf(rule(given), rpc)).toThrow("a.B.C");
});
