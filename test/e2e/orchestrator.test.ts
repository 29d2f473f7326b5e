/** Clients and workers that know orchestrator.v1 alone, with commands as their own guide and ours have them. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { root, type Server, Stage, until } from "./kit/harness.js";

const run = promisify(execFile);
const buf = join(root, "node_modules/.bin/buf");
const stage = new Stage();
let server: Server;
let client: TaskRunClient;
/** The addresses behind the ports that commands name. */
let addresses: Readonly<Record<string, string>>;

beforeAll(async () => {
  const compat = ["orchestrator=127.0.0.1:0", "orchestrator=127.0.0.1:0"];
  server = await stage.server({ publicLease: "3s", compat });
  client = stage.client(server.addr);
  const [scheduler = "", worker = ""] = server.compat.orchestrator ?? [];
  addresses = { 50051: server.addr, 50052: scheduler, 50053: worker };
});
afterAll(() => stage.end());

/** Carries out a command of grpcurl by `buf curl`, which finds everything by reflection. Answers with each message. */
async function grpcurl(command: string): Promise<Record<string, unknown>[]> {
  const [, data, port = "", method = ""] =
    /^grpcurl -plaintext (?:-d '(.*)' )?localhost:(\d+) (\S+)$/.exec(command) ?? [];
  const payload = data === undefined ? [] : ["-d", data];
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...payload];
  const { stdout } = await run(buf, [...flags, `http://${addresses[port]}/${method}`], { cwd: root });
  // Messages of a stream come one after the other.
  return JSON.parse(`[${stdout.trim().replaceAll(/\}\s*\{/g, "},{")}]`) as Record<string, unknown>[];
}

const guide = readFileSync(join(root, "docs/from-orchestrator.md"), "utf8");
const commands = guide.split("\n").filter((line) => line.startsWith("grpcurl "));

/** A worker of orchestrator.v1, as a process of its own. */
function slotWorker(id: string, slots = 4) {
  return stage.node(["test/e2e/fixtures/slot-worker.mjs", addresses[50052] ?? "", id, String(slots)]);
}

const submitted = async (payload: object) => {
  const data = JSON.stringify({
    name: "data-processing-job",
    payload: Buffer.from(JSON.stringify(payload)).toString("base64"),
  });
  const [accepted] = await grpcurl(
    `grpcurl -plaintext -d '${data}' localhost:50051 orchestrator.v1.Gateway/SubmitTask`,
  );
  return String(accepted?.taskId);
};

test("the three health checks answer without a proto, each at its port", async () => {
  const checks = commands.filter((line) => line.endsWith("/HealthCheck"));
  expect(checks.map((line) => line.split(" ").slice(2))).toEqual([
    ["localhost:50051", "orchestrator.v1.Gateway/HealthCheck"],
    ["localhost:50052", "orchestrator.v1.Scheduler/HealthCheck"],
    ["localhost:50053", "orchestrator.v1.Worker/HealthCheck"],
  ]);
  for (const check of checks) {
    expect(await grpcurl(check)).toEqual([{ healthy: true, version: expect.stringMatching(/^\d+\.\d+/) }]);
  }
});

test("the other commands of the guide create a Task, follow it to its end, and do both in one", async () => {
  const [submit = "", subscribe = "", execute = "", ...more] = commands.filter(
    (line) => !line.endsWith("/HealthCheck"),
  );
  expect(more).toEqual([]);
  const [accepted] = await grpcurl(submit);
  const taskId = String(accepted?.taskId);
  expect(Number(accepted?.timestamp)).toBeGreaterThan(1_600_000_000);
  const { labels, maxAttempts, timeoutMs, inputJson } = await client.tasks.get(taskId);
  expect({ labels, maxAttempts, timeoutMs, inputJson }).toEqual({
    labels: { "orchestrator.description": "Nightly", "orchestrator.submitted": "true" },
    maxAttempts: 4,
    timeoutMs: 300_000,
    inputJson: '{"payload_base64":"SGVsbG8gV29ybGQ="}',
  });

  const following = grpcurl(subscribe.replace("<task-id>", taskId));
  const executing = grpcurl(execute);
  const worker = await stage.worker(server.addr, { id: "w", exec: ["data-processing-job=cat"] });
  for (const seen of [await following, await executing]) {
    expect(seen[0]).toMatchObject({ status: "TASK_STATUS_PENDING", message: "pending" });
    expect(seen.at(-1)).toMatchObject({ status: "TASK_STATUS_COMPLETED", progressPercent: 100 });
  }
  await worker.end("SIGTERM");
});

test("workers of either protocol serve one agent side by side, and the one takes over from the other that is killed", async () => {
  const first = slotWorker("slots-1");
  const held = await submitted({ never: true });
  await first.said("it has begun", ({ stdout }) => stdout.includes(held));
  await until(
    "its progress is seen",
    async () => (await client.tasks.get(held)).runs[0]?.status === "RUNNING",
  );

  const other = await stage.worker(server.addr, {
    id: "runs",
    maxRuns: 1,
    exec: ["data-processing-job=cat"],
  });
  const ids = await Promise.all(Array.from({ length: 8 }, () => submitted({ ms: 200 })));
  const ended = await Promise.all(ids.map((id) => client.tasks.wait(id)));
  expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(["COMPLETED"]));
  const workers = ended.map(({ runs }) => runs.at(-1)?.workerId);
  expect(new Set(workers)).toEqual(new Set(["slots-1", "runs"]));

  await first.end("SIGKILL");
  const taken = await client.tasks.wait(held);
  expect(taken).toMatchObject({ status: "COMPLETED" });
  expect(taken.runs.map(({ workerId, reason }) => [workerId, reason])).toEqual([
    ["slots-1", "WORKER_LOST"],
    ["runs", ""],
  ]);
  await other.end("SIGTERM");
});

test("a worker comes back to a server that was killed, and learns its agents again", async () => {
  const worker = slotWorker("slots-2", 1);
  const one = await submitted({ ms: 1 });
  await client.tasks.wait(one);
  await server.restart();
  const two = await submitted({ ms: 1 });
  const { status, outputJson } = await client.tasks.wait(two);
  expect([status, outputJson]).toEqual(["COMPLETED", '{"worker":"slots-2"}']);
  await worker.end("SIGKILL");
});
