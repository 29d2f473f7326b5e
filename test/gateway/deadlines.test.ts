/** The deadline that a caller sets is kept on every listener, and said to be one. */
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readTimeout } from "#gateway/deadline";
import { GetTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { type Opened, open } from "./kit/open.js";
import { taskWithLog } from "./kit/raw-watch.js";
import { framed, sent, type Way, way } from "./kit/ways.js";

let opened: Opened;
let id: string;
beforeAll(async () => {
  opened = await open();
  id = await taskWithLog(opened, []);
});
afterAll(() => opened.gateway.close(1_000));
beforeEach(() => {
  opened.counted.length = 0;
});

const UNARY = "/taskrun.v1.TaskService/GetTask";
const streams = ["/taskrun.v1.TaskService/WatchTask", "/taskrun.v1.RunService/StreamConnect"];
const unaryWays = [
  way("grpcPort", "application/grpc", UNARY),
  way("httpPort", "application/grpc", UNARY),
  way("httpPort", "application/grpc-web", UNARY),
  way("httpPort", "application/proto", UNARY),
  way("httpPort", "application/json", UNARY),
];
const streamWays = streams.flatMap((path) => [
  way("grpcPort", "application/grpc", path),
  way("httpPort", "application/grpc", path),
  way("httpPort", "application/grpc-web", path),
  way("httpPort", "application/connect+proto", path),
  way("httpPort", "application/connect+json", path),
]);

function request({ isJson, isFramed }: Way): Buffer {
  const bytes = isJson
    ? Buffer.from(JSON.stringify({ id }))
    : Buffer.from(toBinary(GetTaskRequestSchema, create(GetTaskRequestSchema, { id })));
  return isFramed ? framed(bytes) : bytes;
}

const soon = ({ type }: Way): Record<string, string> =>
  type.includes("grpc") ? { "grpc-timeout": "60m" } : { "connect-timeout-ms": "60" };

function expectDeadline(of: Way, end: Awaited<ReturnType<typeof sent>>): void {
  expect(end, of.name).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  expect(end.message).toContain("the deadline of the call has passed");
  expect([4, "deadline_exceeded"]).toContain(end.code);
  const door = of.listener === "grpcPort" ? "grpc" : "http";
  expect(opened.counted, of.name).toContainEqual({
    name: "taskrun_requests_total",
    labels: { rpc: of.path.slice(1), door, code: "DEADLINE_EXCEEDED" },
  });
  expect(opened.counted.filter(({ name }) => name === "taskrun_requests_total")).toHaveLength(1);
  expect(opened.errors).toEqual([]);
}

test.each(unaryWays)("of a call that takes longer: $name", async (of) => {
  const { reads } = opened.plane;
  const { task } = reads;
  let answer = () => {};
  const late = new Promise<void>((resolve) => {
    answer = resolve;
  });
  reads.task = async (taskId) => {
    await late;
    return task(taskId);
  };
  try {
    expectDeadline(of, await sent(opened, of, request(of), { headers: soon(of) }));
    // What it would have answered is nobody's any more, and is not counted again.
    answer();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened.counted.filter(({ name }) => name === "taskrun_requests_total")).toHaveLength(1);
  } finally {
    reads.task = task;
  }
});

test.each([...unaryWays, ...streamWays])("of a request that is not complete: $name", async (of) => {
  const body = request(of);
  const half = body.subarray(0, body.length - 1);
  expectDeadline(of, await sent(opened, of, half, { headers: soon(of), open: true }));
});

test.each(streamWays.filter(({ path }) => path.endsWith("WatchTask")))(
  "of a stream that goes on: $name",
  async (of) => {
    expectDeadline(of, await sent(opened, of, request(of), { headers: soon(of) }));
  },
);

test.each(unaryWays)("one further away than timers go is none: $name", async (of) => {
  const far = of.type.includes("grpc")
    ? ["8760H", "99999999H", "99999999M", "2200000S"]
    : ["9999999999", "2147483648"];
  for (const timeout of far) {
    const headers: Record<string, string> = { "grpc-timeout": timeout, "connect-timeout-ms": timeout };
    const end = await sent(opened, of, request(of), { headers }).catch(() => undefined);
    expect(end?.reason, timeout).toBeUndefined();
  }
  expect(opened.counted.map(({ labels }) => labels?.code)).toEqual(far.map(() => "OK"));
});

test.each([
  ["grpc-timeout", "5S", 5_000],
  ["grpc-timeout", "1 m", 1],
  ["grpc-timeout", "99999999n", 99.999_999],
  ["grpc-timeout", "123456789m", 123_456_789],
  ["grpc-timeout", "123456789S", undefined],
  ["connect-timeout-ms", "0", 0],
  ["connect-timeout-ms", "2147483647", 2_147_483_647],
  ["connect-timeout-ms", "2147483648", undefined],
] as const)("%s: %s is read as %s ms", (name, text, ms) => {
  expect(readTimeout(name, text)).toBe(ms);
});

test.each([
  ["grpc-timeout", ["", "5", "S", "-1S", "1.5S", "1s", "5S5S"]],
  ["connect-timeout-ms", ["", "-1", "1.5", "1e3", "12345678901", "5S"]],
] as const)("%s that cannot be read is refused", (name, texts) => {
  for (const text of texts) expect(() => readTimeout(name, text), text).toThrow(`${name} is "${text}"; send`);
});
