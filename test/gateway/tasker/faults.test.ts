/** What is full, in the words of Tasker: UNAVAILABLE, with the delay in details and in `retry-after`, over every mount. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { taskerFault } from "#gateway/tasker/services/faults";
import { StructRoom } from "#gateway/tasker/services/struct-room";
import { structOf } from "#gateway/tasker/services/structs";
import { TaskService } from "#wire/gen/tasker/v1/tasks_pb";
import { type Opened, open } from "../kit/open.js";
import { prepare } from "../kit/samples.js";

let opened: Opened;
beforeAll(async () => {
  opened = await open();
});
beforeEach(() => prepare(opened.plane));
afterAll(() => opened.gateway.close(1_000));

const full = new Fault("overloaded", "the mailbox is full", {
  reason: "MAILBOX_FULL",
  retryAfter: millis(1_500),
});

test.each(["grpc", "grpc over http", "grpc-web", "connect", "in process"])("over %s", async (mount) => {
  const baseUrl = `http://127.0.0.1:${mount === "grpc" ? opened.grpcPort : opened.httpPort}`;
  const transports = {
    grpc: () => createGrpcTransport({ baseUrl }),
    "grpc over http": () => createGrpcTransport({ baseUrl }),
    "grpc-web": () => createGrpcWebTransport({ baseUrl, httpVersion: "2" as const }),
    connect: () => createConnectTransport({ baseUrl, httpVersion: "1.1" as const }),
    "in process": () => opened.gateway.transport,
  };
  const client = createClient(TaskService, transports[mount as keyof typeof transports]());
  opened.plane.refusal = full;
  const asked = client.createTask({ namespace: "orders", name: "fulfil", version: "0.9.0" });
  const error = ConnectError.from(await asked.catch((reason: unknown) => reason));
  opened.plane.refusal = undefined;

  expect(error).toMatchObject({ code: Code.Unavailable, rawMessage: "the mailbox is full" });
  expect(error.metadata.get("retry-after")).toBe("2");
});

test.each(["grpc", "connect", "in process"])("why a credential is refused, over %s", async (mount) => {
  const { grpcPort, httpPort, gateway } = opened;
  const transports = {
    grpc: () => createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }),
    connect: () => createConnectTransport({ baseUrl: `http://127.0.0.1:${httpPort}`, httpVersion: "1.1" }),
    "in process": () => gateway.transport,
  };
  const client = createClient(TaskService, transports[mount as keyof typeof transports]());
  const saidOf = async (refusal: Fault) => {
    opened.plane.refusal = refusal;
    const asked = client.createTask({ namespace: "orders", name: "fulfil", version: "0.9.0" });
    const error = ConnectError.from(await asked.catch((reason: unknown) => reason));
    opened.plane.refusal = undefined;
    return ["reason", "severity"].map((name) => error.metadata.get(`x-auth-failure-${name}`));
  };

  expect(await saidOf(new Fault("denied", "no"))).toEqual(["insufficient_permissions", "medium"]);
  const expired = new Fault("unauthenticated", "no", { reason: "CREDENTIAL_EXPIRED" });
  expect(await saidOf(expired)).toEqual(["expired", "low"]);
  expect(await saidOf(full)).toEqual([null, null]);
});

test("only what may be tried again later is UNAVAILABLE", () => {
  const tooLarge = new Fault("overloaded", "too large", {
    reason: "ANSWER_TOO_LARGE",
    retryAfter: millis(0),
  });
  const disk = new Fault("disk_full", "the disk is full");
  expect(taskerFault(tooLarge)).toBe(tooLarge);
  expect(taskerFault(disk)).toMatchObject({
    code: "unavailable",
    reason: "DISK_FULL",
    message: "the disk is full",
  });
  for (const code of ["not_found", "invalid", "unavailable", "key_conflict"] as const) {
    const fault = new Fault(code, "no");
    expect(taskerFault(fault)).toBe(fault);
  }
  const bug = new TypeError("no");
  expect(taskerFault(bug)).toBe(bug);
});

test("JSON becomes a Struct: what is no object as its value, what no double has as text", () => {
  expect(structOf("")).toBeUndefined();
  expect(structOf('{"a":[1,{"b":null}]}')).toEqual({ a: [1, { b: null }] });
  expect([structOf("7"), structOf('"x"'), structOf("null"), structOf("[1]")]).toEqual([
    { value: 7 },
    { value: "x" },
    { value: null },
    { value: [1] },
  ]);
  expect(structOf('{"a":1e400,"b":[-1e400]}')).toEqual({ a: "Infinity", b: ["-Infinity"] });
});

test("the room of an answer is shared: what has none takes none", () => {
  const room = new StructRoom();
  const many = (count: number) => `[${Array.from({ length: count }, () => "1").join(",")}]`;
  expect(room.struct(many(200_000))).toBeUndefined();
  expect(room.struct(many(100_000))).toBeDefined();
  expect(room.struct(many(100_000))).toBeUndefined();
  // Commas and brackets in texts are no values.
  expect(room.struct(JSON.stringify({ text: ',[{"\\'.repeat(20_000) }))).toBeDefined();
  expect(room.take(["1"], 100_000)).toBe(false);
  expect(new StructRoom().take([JSON.stringify("é".repeat(2_000_000))], 2)).toBe(false);
});
