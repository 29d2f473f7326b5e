import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import type { TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { TaskService, WatchTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount } from "./mounts.js";
import type { Opened } from "./open.js";

/** Makes a Task whose log is this. */
export async function taskWithLog(opened: Opened, log: LogEntry[]): Promise<TaskId> {
  const mount = grpcJsMount(opened);
  const { createTask } = TaskService.method;
  const { answers } = await mount.call(createTask, [create(createTask.input, { agentName: "a" })]);
  const { id } = answers[0] as unknown as { id: TaskId };
  mount.close();
  opened.plane.logs.set(id, log);
  return id;
}

/** Watches a Task as bytes over HTTP/2; nothing is read until the test does. */
export async function watchRaw(
  port: number,
  id: TaskId,
): Promise<{ stream: ClientHttp2Stream; end(): void }> {
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
  await once(stream, "response");
  const end = () => {
    stream.close();
    session.destroy();
  };
  return { stream, end };
}
