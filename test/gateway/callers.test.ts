import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { task } from "#testing/rows";
import { GetTaskRequestSchema, TaskSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { type Opened, open } from "./kit/open.js";

const id = "t" as TaskId;
const method = TaskService.method.getTask;
const request = create(GetTaskRequestSchema, { id });
let opened: Opened;

/** Everybody is who they say they are, and has one namespace of that name. */
function believed({ header }: { header(name: string): string | undefined }): Caller {
  const who = header("x-who") ?? "nobody";
  return { principal: who, namespaces: [who], roles: [] };
}

beforeAll(async () => {
  opened = await open({ identify: believed });
  opened.plane.details.set(id, { task: task(id, { namespace: "alice" }), input: "{}", steps: [], runs: [] });
});

afterAll(() => opened.gateway.close(1_000));

test("each request has a caller of its own, on one gRPC connection too", async () => {
  const client = new Client(`127.0.0.1:${opened.grpcPort}`, credentials.createInsecure());
  const ask = (headers: Record<string, string>) =>
    new Promise<string>((resolve) => {
      const metadata = Metadata.fromHttp2Headers(headers);
      client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: Message) => Buffer.from(toBinary(GetTaskRequestSchema, message as never)),
        (bytes: Buffer) => fromBinary(TaskSchema, bytes),
        request,
        metadata,
        (error, answer) => resolve(error ? error.details : (answer?.id ?? "")),
      );
    });

  const asked = await Promise.all([ask({ "x-who": "alice" }), ask({ "x-who": "bob" }), ask({})]);
  client.close();
  expect(asked).toEqual([id, "Task not found: t", "Task not found: t"]);
});

test("each request has a caller of its own, on one HTTP/2 connection too", async () => {
  const baseUrl = `http://127.0.0.1:${opened.httpPort}`;
  const transport = createConnectTransport({ baseUrl, httpVersion: "2" });
  const ask = async (headers: Record<string, string>) => {
    try {
      return (await transport.unary(method, undefined, undefined, headers, request)).message.id;
    } catch (error) {
      return ConnectError.from(error).rawMessage;
    }
  };

  const asked = await Promise.all([ask({ "x-who": "alice" }), ask({ "x-who": "bob" }), ask({})]);
  expect(asked).toEqual([id, "Task not found: t", "Task not found: t"]);
});
