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

const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;

let opened: Opened;
let id: TaskId;

beforeAll(async () => {
  opened = await open();
  const mount = grpcJsMount(opened);
  const { createTask } = TaskService.method;
  const { answers } = await mount.call(createTask, [create(createTask.input, { agentName: "a" })]);
  id = (answers[0] as unknown as { id: TaskId }).id;
  mount.close();
  const entry = (seq: number): LogEntry => ({
    type: "output",
    at: instant(1),
    runId: "r" as RunId,
    fence: 1,
    seq,
    content: "x".repeat(CHUNK),
    isFinal: false,
    metadata: {},
    sentAt: 0,
  });
  opened.plane.logs.set(
    id,
    Array.from({ length: 400 }, (_, seq) => entry(seq)),
  );
});

afterAll(() => opened.doors.close(1_000));

test.each(["grpcPort", "httpPort"] as const)(
  "a watcher that does not read costs at most 1 MiB (%s)",
  async (door) => {
    const port = opened[door];
    opened.plane.slicesRead = 0;
    const session = connect(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/taskrun.v1.TaskService/WatchTask",
      ":authority": `127.0.0.1:${port}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const request = toBinary(WatchTaskRequestSchema, create(WatchTaskRequestSchema, { id }));
    const frame = Buffer.alloc(5 + request.length);
    frame.writeUInt32BE(request.length, 1);
    frame.set(request, 5);
    stream.end(frame);
    await once(stream, "response"); // and then nothing is read

    // What was taken from the log settles, because nobody takes more.
    let before = -1;
    await expect
      .poll(
        () => {
          const settled = opened.plane.slicesRead > 0 && opened.plane.slicesRead === before;
          before = opened.plane.slicesRead;
          return settled;
        },
        { interval: 100 },
      )
      .toBe(true);
    expect(opened.plane.slicesRead * CHUNK).toBeLessThan(MIB);

    stream.resume(); // the reader comes back and gets all the rest
    await expect.poll(() => opened.plane.slicesRead).toBe(400);
    stream.close();
    session.destroy();
  },
);
