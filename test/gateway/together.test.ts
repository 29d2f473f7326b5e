import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/log";
import { instant } from "#domain/time";
import { TaskService, WatchTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount } from "./mounts.js";
import { type Opened, open } from "./open.js";

const LINES = 200;

let opened: Opened;
let id: TaskId;

beforeAll(async () => {
  opened = await open();
  const mount = grpcJsMount(opened);
  const { createTask } = TaskService.method;
  const { answers } = await mount.call(createTask, [create(createTask.input, { agentName: "a" })]);
  id = (answers[0] as unknown as { id: TaskId }).id;
  mount.close();
  const chat = (content: string): LogEntry => ({
    type: "chat",
    at: instant(1),
    runId: "r" as RunId,
    role: 1,
    content,
    sentAt: 0,
  });
  opened.plane.logs.set(
    id,
    Array.from({ length: LINES }, (_, i) => chat(`line ${i}`)),
  );
});

afterAll(() => opened.doors.close(1_000));

test("events that are there together go out together", async () => {
  const session = connect(`http://127.0.0.1:${opened.grpcPort}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/taskrun.v1.TaskService/WatchTask",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const request = toBinary(WatchTaskRequestSchema, create(WatchTaskRequestSchema, { id }));
  const frame = Buffer.alloc(5 + request.length);
  frame.writeUInt32BE(request.length, 1);
  frame.set(request, 5);
  stream.end(frame);
  await once(stream, "response");

  // Each HTTP/2 frame of data arrives as a piece of its own.
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await expect.poll(() => Buffer.concat(pieces).includes(`line ${LINES - 1}`)).toBe(true);
  expect(pieces.length).toBeLessThan(LINES / 10);
  stream.close();
  session.destroy();
});
