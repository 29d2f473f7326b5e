/** A server at the port of Tasker's gRPC API, by an independent client that knows it by reflection alone. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, Stage } from "./kit/harness.js";

const buf = join(root, "node_modules/.bin/buf");
const run = promisify(execFile);
const stage = new Stage();
/** The usual port, on the loopback. */
const addr = "127.0.0.1:9190";

beforeAll(async () => {
  const listeners = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
  const server = stage.run(["server", "--json", "--store", "memory", ...listeners, "--compat", "tasker"]);
  const line = await server.said("it serves", ({ stdout }) => /^\{.*\}\n/.exec(stdout)?.[0]);
  const { compat } = JSON.parse(line) as { compat: { tasker: string[] } };
  expect(compat.tasker).toContain("127.0.0.1:9190");
});
afterAll(() => stage.end());

async function call(method: string, data?: object): Promise<Record<string, unknown>> {
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", "grpc-v1"];
  const payload = data ? ["-d", JSON.stringify(data)] : [];
  // From elsewhere: the protos beside the sources must not be needed.
  const { stdout } = await run(buf, [...flags, ...payload, `http://${addr}/${method}`], { cwd: stage.dir });
  return JSON.parse(stdout);
}

test("the command of Tasker's documentation finds it alive", async () => {
  expect(await call("tasker.v1.HealthService/CheckLiveness")).toMatchObject({ status: "alive" });
  expect(await call("tasker.v1.HealthService/CheckReadiness")).toMatchObject({
    status: "ready",
    checks: { circuitBreaker: { status: "disabled" } },
    info: { operationalState: "normal", version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
  });
  expect(await call("tasker.v1.ConfigService/GetConfig")).toMatchObject({ messaging: { backend: "memory" } });
});

test("a Task is created, read and cancelled there", async () => {
  const source =
    "name: fulfil\nversion: 1.0.0\nnamespace_name: default\nsteps: [{ name: pack, handler: { callable: packer } }]\n";
  await call("taskrun.v1.TemplateService/Register", { source });
  const request = {
    name: "fulfil",
    namespace: "default",
    version: "1.0.0",
    context: { order: 7 },
    tags: ["big"],
  };
  const { task } = (await call("tasker.v1.TaskService/CreateTask", request)) as {
    task: { taskUuid: string };
  };
  const { taskUuid } = task;
  expect(
    await call("tasker.v1.TaskService/GetTask", { task_uuid: taskUuid, include_steps: true }),
  ).toMatchObject({
    task: { context: { order: 7 }, tags: ["big"] },
    steps: [{ name: "pack" }],
  });
  expect(await call("tasker.v1.TaskService/CancelTask", { task_uuid: taskUuid })).toMatchObject({
    success: true,
    task: { state: "TASK_STATE_CANCELLED" },
  });
  expect(await call("tasker.v1.TaskService/StreamTaskStatus", { task_uuid: taskUuid })).toMatchObject({
    updateType: "UPDATE_TYPE_TASK_ERROR",
    taskState: "TASK_STATE_CANCELLED",
  });
});
