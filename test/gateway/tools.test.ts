import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workerView } from "./kit/fake-plane.js";
import { type Opened, open } from "./kit/open.js";

const buf = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url));
const proto = fileURLToPath(new URL("../../proto", import.meta.url));
const run = promisify(execFile);

/** One call of buf takes about a second; a busy machine takes several. */
const PATIENCE_MS = 120_000;

let opened: Opened;

beforeAll(async () => {
  opened = await open();
  opened.plane.views.push(workerView("w-1"));
});

afterAll(() => opened.gateway.close(1_000));

/** Calls an rpc with no knowledge of it but the server's own, unless `more` says otherwise. */
async function curl(port: number, path: string, ...more: string[]): Promise<unknown> {
  const args = [
    "curl",
    "--protocol",
    "grpc",
    "--http2-prior-knowledge",
    ...more,
    `http://127.0.0.1:${port}/${path}`,
  ];
  const { stdout } = await run(buf, args, { timeout: PATIENCE_MS, cwd: join(proto, "..") });
  return JSON.parse(stdout);
}

test.each(["grpcPort", "httpPort"] as const)(
  "tools find their way by reflection (%s)",
  { timeout: PATIENCE_MS },
  async (listener) => {
    const port = opened[listener];
    const v1 = ["--reflect-protocol", "grpc-v1"];
    const v1alpha = ["--reflect-protocol", "grpc-v1alpha"];

    expect(await curl(port, "grpc.health.v1.Health/Check", ...v1)).toEqual({ status: "SERVING" });
    expect(await curl(port, "taskrun.v1.WorkerService/ListWorkers", ...v1alpha)).toMatchObject({
      workers: [{ workerId: "w-1", status: "WORKER_STATUS_IDLE" }],
    });
  },
);

test("the public command to create a Task works with only our protos at hand", {
  timeout: PATIENCE_MS,
}, async () => {
  const data = '{"agent_name": "support_triage", "input_json": "{\\"query\\": \\"help\\"}"}';
  const task = await curl(
    opened.grpcPort,
    "taskrun.v1.TaskService/CreateTask",
    "--schema",
    proto,
    "-d",
    data,
  );

  expect(task).toMatchObject({
    agentName: "support_triage",
    inputJson: '{"query": "help"}',
    status: "TASK_STATUS_PENDING",
  });
});
