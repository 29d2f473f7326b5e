/** The commands of the public quick start, arguments unchanged, by an independent gRPC client. */
import { spawn } from "node:child_process";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, type Server, Stage, until } from "./kit/harness.js";

const buf = join(root, "node_modules/.bin/buf");
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);
const host = hasIpv6 ? "[::1]" : "127.0.0.1";

const stage = new Stage();
let server: Server;

beforeAll(async () => {
  server = await stage.server({ grpc: [`${host}:0`] });
});
afterAll(() => stage.end());

interface Answer {
  readonly exit: number;
  /** The message, as proto3 JSON. */
  readonly json: Record<string, unknown>;
  readonly error: { readonly code?: string; readonly message?: string };
}

/** What grpcurl takes after the address, through `buf curl`. */
async function call(method: string, data?: string): Promise<Answer> {
  const flags = ["--protocol", "grpc", "--http2-prior-knowledge", "--schema", "proto"];
  const payload = data === undefined ? [] : ["-d", data];
  const child = spawn(buf, ["curl", ...flags, ...payload, `http://${server.addr}/${method}`], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = await new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  const parse = (text: string) => (text.trim().startsWith("{") ? JSON.parse(text) : {});
  return { exit, json: parse(stdout), error: parse(stderr) };
}

const createData = '{"agent_name": "support_triage", "input_json": "{\\"query\\": \\"help\\"}"}';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ms = /^\d{13}$/;

test("with no worker the list is empty, and a task waits as PENDING without a run", async () => {
  expect(await call("taskrun.v1.WorkerService/ListWorkers")).toEqual({ exit: 0, json: {}, error: {} });

  const { exit, json } = await call("taskrun.v1.TaskService/CreateTask", createData);
  expect(exit).toBe(0);
  expect(json).toMatchObject({
    id: expect.stringMatching(uuid),
    agentName: "support_triage",
    inputJson: '{"query": "help"}',
    status: "TASK_STATUS_PENDING",
    createdAtMs: expect.stringMatching(ms),
  });
  expect(json).not.toHaveProperty("runs");

  const cancelled = await call("taskrun.v1.TaskService/CancelTask", `{"id": "${json.id}"}`);
  expect(cancelled.json).toMatchObject({ id: json.id, status: "TASK_STATUS_CANCELLED" });
  const again = await call("taskrun.v1.TaskService/CancelTask", `{"id": "${json.id}"}`);
  expect(again.exit).not.toBe(0);
  expect(again.error).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining(`Task ${json.id} is already in terminal state: Cancelled`),
  });
});

test("the three commands: list the worker, create a task, get it completed", async () => {
  await stage
    .run([
      "worker",
      "--addr",
      server.addr,
      "--agent",
      "support_triage",
      "--id",
      "quick-1",
      "--label",
      "env=development",
    ])
    .said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));

  const listed = await call("taskrun.v1.WorkerService/ListWorkers");
  expect(listed.json).toMatchObject({
    workers: [
      {
        workerId: "quick-1",
        hostname: expect.any(String),
        version: expect.any(String),
        status: "WORKER_STATUS_IDLE",
        agents: [{ name: "support_triage", description: expect.any(String), backends: [expect.any(Object)] }],
        labels: { env: "development" },
        maxConcurrentRuns: 10,
        lastHeartbeatMs: expect.stringMatching(ms),
      },
    ],
  });

  const created = await call("taskrun.v1.TaskService/CreateTask", createData);
  expect(created.json).toMatchObject({
    id: expect.stringMatching(uuid),
    agentName: "support_triage",
    inputJson: '{"query": "help"}',
    status: expect.stringMatching(/^TASK_STATUS_(PENDING|RUNNING)$/),
    createdAtMs: expect.stringMatching(ms),
  });

  const done = await until("the task is completed", async () => {
    const { json } = await call("taskrun.v1.TaskService/GetTask", `{"id": "${created.json.id}"}`);
    return json.status === "TASK_STATUS_COMPLETED" && json;
  });
  expect(done).toMatchObject({
    id: created.json.id,
    inputJson: '{"query": "help"}',
    runs: [
      {
        runId: expect.stringMatching(uuid),
        workerId: "quick-1",
        status: "RUN_STATUS_COMPLETED",
        startedAtMs: expect.stringMatching(ms),
        finishedAtMs: expect.stringMatching(ms),
        backendUsed: { provider: "builtin", modelName: expect.any(String) },
      },
    ],
  });

  const worker = await call("taskrun.v1.WorkerService/GetWorker", '{"worker_id": "quick-1"}');
  expect(worker.json).toMatchObject({ workerId: "quick-1" });
  const all = await call("taskrun.v1.TaskService/ListTasks", "{}");
  expect(all.json.tasks).toHaveLength(2);
  const completed = await call(
    "taskrun.v1.TaskService/ListTasks",
    '{"status_filter":"TASK_STATUS_COMPLETED"}',
  );
  expect(completed.json.tasks).toMatchObject([{ id: created.json.id }]);
});

test.each([
  ["taskrun.v1.TaskService/GetTask", '{"id": "nobody"}', "not_found", "Task not found: nobody"],
  ["taskrun.v1.TaskService/CancelTask", '{"id": "nobody"}', "not_found", "Task not found: nobody"],
  ["taskrun.v1.WorkerService/GetWorker", '{"worker_id": "nobody"}', "not_found", "Worker nobody not found"],
  ["taskrun.v1.TaskService/CreateTask", "{}", "invalid_argument", "agent_name"],
  [
    "taskrun.v1.TaskService/CreateTask",
    '{"agent_name": "a", "input_json": "{oops"}',
    "invalid_argument",
    "input_json",
  ],
])("%s %s fails with %s", async (method, data, code, message) => {
  const { exit, error } = await call(method, data);
  expect(exit).not.toBe(0);
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
});
