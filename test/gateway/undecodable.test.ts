/** What cannot be decoded is refused in the same way on every listener and in every protocol. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Opened, open } from "./kit/open.js";
import { rawAnswer } from "./kit/raw-call.js";
import { framed, sent, type Way, way } from "./kit/ways.js";

let opened: Opened;
beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened.gateway.close(1_000));
beforeEach(() => {
  opened.counted.length = 0;
  opened.errors.length = 0;
});

const UNARY = "/taskrun.v1.TaskService/GetTask";
const CREATE = "/taskrun.v1.TaskService/CreateTask";
const WATCH = "/taskrun.v1.TaskService/WatchTask";
const TALK = "/taskrun.v1.RunService/StreamConnect";

const unaryWays = [
  way("grpcPort", "application/grpc", UNARY),
  way("httpPort", "application/grpc", UNARY),
  way("httpPort", "application/grpc+json", UNARY),
  way("httpPort", "application/grpc-web", UNARY),
  way("httpPort", "application/grpc-web+json", UNARY),
  way("httpPort", "application/proto", UNARY),
  way("httpPort", "application/json", UNARY),
];
const streamWays = [WATCH, TALK].flatMap((path) => [
  way("grpcPort", "application/grpc", path),
  way("httpPort", "application/grpc", path),
  way("httpPort", "application/grpc-web", path),
  way("httpPort", "application/connect+proto", path),
  way("httpPort", "application/connect+json", path),
]);
const ways = [...unaryWays, ...streamWays];

const isInvalid = (code: string | number) => code === 3 || code === "invalid_argument";

async function expectRefused(of: Way, body: Buffer, reason: string, headers?: Record<string, string>) {
  const end = await sent(opened, of, body, headers && { headers });
  expect(end, of.name).toMatchObject({ reason, code: expect.toSatisfy(isInvalid) });
  const door = of.listener === "grpcPort" ? "grpc" : "http";
  const [, rpc = ""] = /^\/(.*)$/.exec(of.path) ?? [];
  expect(opened.counted, of.name).toEqual([
    { name: "taskrun_messages_undecodable_total", labels: { door, reason } },
    { name: "taskrun_requests_total", labels: { rpc, door, code: "INVALID_ARGUMENT" } },
  ]);
  expect(opened.errors, of.name).toEqual([]);
}

/** A string that is announced longer than it is. */
const truncated = Buffer.from([0x0a, 0x7f, 0x41]);
/** A field number 0, which there is not. */
const malformed = Buffer.from([0x00, 0x01]);

test.each(ways)("bytes that are no message: $name", async (of) => {
  const pack = of.isFramed ? framed : (bytes: string | Buffer) => Buffer.from(bytes as string);
  const bodies = of.isJson ? ["", "  ", "{", "[]", "null", '"x"', "5", "{]", "\xff"] : [truncated, malformed];
  for (const body of bodies) {
    opened.counted.length = 0;
    await expectRefused(of, pack(body), "MESSAGE_MALFORMED");
  }
});

test.each(ways.filter(({ isJson }) => isJson))("a name with half a character: $name", async (of) => {
  const text = '{"\\ud800":1}';
  await expectRefused(of, of.isFramed ? framed(text) : Buffer.from(text), "UNKNOWN_FIELD");
});

test.each(ways.filter(({ isFramed }) => isFramed))("a message that is cut short: $name", async (of) => {
  await expectRefused(of, framed("{}").subarray(0, 6), "MESSAGE_CUT_SHORT");
});

test.each(ways.filter(({ isFramed, path }) => isFramed && path !== TALK))(
  "no message at all, or two of them: $name",
  async (of) => {
    await expectRefused(of, Buffer.alloc(0), "MESSAGE_MISSING");
    opened.counted.length = 0;
    const one = framed(of.isJson ? "{}" : "");
    await expectRefused(of, Buffer.concat([one, one]), "MESSAGE_TOO_MANY");
  },
);

test.each(ways)("a compression that is broken or unknown: $name", async (of) => {
  const header = !of.isFramed
    ? "content-encoding"
    : of.type.includes("connect+")
      ? "connect-content-encoding"
      : "grpc-encoding";
  const body = of.isFramed ? framed("{}", 1) : Buffer.from("{}");
  await expectRefused(of, body, "COMPRESSION_BROKEN", { [header]: "gzip" });
  opened.counted.length = 0;
  await expectRefused(of, body, "COMPRESSION_UNKNOWN", { [header]: "br" });
});

test.each(ways)("a deadline that cannot be read: $name", async (of) => {
  const name = of.type.includes("grpc") ? "grpc-timeout" : "connect-timeout-ms";
  const one = of.isJson ? "{}" : "";
  await expectRefused(of, of.isFramed ? framed(one) : Buffer.from(one), "TIMEOUT_MALFORMED", {
    [name]: "soon",
  });
});

const json = (path: string) => way("httpPort", "application/json", path);

test.each([
  [UNARY, { idd: "x" }, "idd", "idd is no field of GetTaskRequest; did you mean id?"],
  [CREATE, { agent: "x" }, "agent", "did you mean agentName?"],
  [CREATE, { input_jsn: "{}" }, "input_jsn", "did you mean inputJson?"],
  [CREATE, { template: { nme: "x" } }, "template.nme", "did you mean name?"],
  [
    "/taskrun.v1.TaskService/BatchCreateTasks",
    { tasks: [{}, { prio: 1 }] },
    "tasks[1].prio",
    "did you mean priority?",
  ],
  [UNARY, { zzzzzzzz: 1 }, "zzzzzzzz", "there are id."],
  [UNARY, JSON.parse('{"__proto__": 1}'), "__proto__", "is no field of GetTaskRequest"],
])(
  "JSON with an unknown field is refused, and the nearest is named: %s %j",
  async (path, body, field, says) => {
    const end = await sent(opened, json(path), Buffer.from(JSON.stringify(body)));
    expect(end).toMatchObject({ code: "invalid_argument", reason: "UNKNOWN_FIELD", fields: [field] });
    expect(end.message).toContain(says);
  },
);

const LIST = "/taskrun.v1.TaskService/ListTasks";

test.each([
  ["RUNING", "did you mean TASK_STATUS_RUNNING?"],
  ["running", "did you mean TASK_STATUS_RUNNING?"],
  ["TASK_STATUS_COMPLETE", "did you mean TASK_STATUS_COMPLETED?"],
  ["", "there are TASK_STATUS_UNSPECIFIED, TASK_STATUS_PENDING"],
  ["blue", "there are TASK_STATUS_UNSPECIFIED"],
])("JSON with an unknown name of an enum is refused: %j", async (statusFilter, says) => {
  const end = await sent(opened, json(LIST), Buffer.from(JSON.stringify({ statusFilter })));
  expect(end).toMatchObject({ reason: "UNKNOWN_ENUM_VALUE", fields: ["status_filter"] });
  expect(end.message).toContain(says);
});

test.each([
  [CREATE, { priority: "high" }, "priority"],
  [CREATE, { labels: { a: 1 } }, "labels"],
  [CREATE, { template: "x" }, "template"],
  [CREATE, { timeoutMs: 1.5 }, "timeout_ms"],
  [CREATE, { inputJson: { a: 1 } }, "input_json"],
  [LIST, { statusFilter: {} }, "status_filter"],
])("JSON of the wrong type is refused, and the field is named: %s %j", async (path, body, field) => {
  const end = await sent(opened, json(path), Buffer.from(JSON.stringify(body)));
  expect(end).toMatchObject({ code: "invalid_argument", reason: "MESSAGE_MALFORMED", fields: [field] });
});

test("unknown fields of the binary form are a later client's, and ignored", async () => {
  const of = way("grpcPort", "application/grpc", UNARY);
  const end = await sent(opened, of, framed(Buffer.from([0x0a, 0x01, 0x41, 0xfa, 0x3f, 0x01, 0x42])));
  expect(end.code).not.toBe(3);
});

test("undecodable requests are logged once a minute for each rpc, and counted each time", async () => {
  const lines: unknown[] = [];
  const quiet = () => undefined;
  const counted: string[] = [];
  const own = await open({
    telemetry: {
      log: { debug: quiet, info: quiet, warn: (text, fields) => lines.push([text, fields]), error: quiet },
      count: (name) => counted.push(name),
      observe: quiet,
      gauge: quiet,
    },
  });
  for (let i = 0; i < 3; i++) {
    await rawAnswer(own.httpPort, UNARY, Buffer.from("{"), { "content-type": "application/json" });
  }
  await own.gateway.close(1_000);

  expect(lines).toEqual([
    [
      "a request cannot be decoded",
      expect.objectContaining({
        rpc: "taskrun.v1.TaskService/GetTask",
        door: "http",
        reason: "MESSAGE_MALFORMED",
      }),
    ],
  ]);
  expect(counted.filter((name) => name === "taskrun_messages_undecodable_total")).toHaveLength(3);
});
