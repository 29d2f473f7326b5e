/** How processes end: refused starts, drains, and what a cancelled program leaves behind. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { Rpc } from "../bench/rpc.js";
import { type Server, Stage, until } from "./kit/harness.js";
import { RawWorker, statuses } from "./kit/raw-worker.js";

const UNAVAILABLE = 14;

let stage: Stage;
let server: Server;
let client: TaskRunClient;

beforeEach(async () => {
  stage = new Stage();
  server = await stage.server();
  client = stage.client(server.addr);
});
afterEach(() => stage.end());

test("a second server on the same data is refused, and the first goes on", async () => {
  const second = stage.run([
    "server",
    "--data",
    server.data,
    "--grpc",
    "127.0.0.1:0",
    "--http",
    "127.0.0.1:0",
  ]);
  expect(await second.ended).toBe(1);
  expect(second.stderr).toContain(`another server has ${server.data}`);
  expect((await client.tasks.create({ agent: "anybody" })).status).toBe("PENDING");

  await server.restart(); // the lock of a killed server holds nobody up
  expect((await client.tasks.page()).tasks).toHaveLength(1);
});

test("SIGTERM drains the server: streams end with UNAVAILABLE, and it exits with 0", async () => {
  const worker = new RawWorker(server.addr, { id: "w" });
  const { id } = await client.tasks.create({ agent: "raw" });
  const run = await worker.assigned(id);
  worker.status(run, statuses.RUNNING);
  const rpc = new Rpc(server.addr);
  const watch = rpc.serverStream(TaskService.method.watchTask, { id });
  const seen: bigint[] = [];
  let ended: number | undefined;
  watch.on("data", ({ seq }) => seen.push(seq)).on("error", () => {});
  watch.on("status", ({ code }) => {
    ended = code;
  });
  await until("the watch is live", () => seen.length > 0);

  expect(await server.proc.end("SIGTERM")).toBe(0);
  await until("both streams end", () => ended !== undefined && worker.endedWith !== undefined);
  expect([ended, worker.endedWith]).toEqual([UNAVAILABLE, UNAVAILABLE]);
  rpc.close();
  worker.close();

  // Leases survive: the run goes on under the next start.
  await server.start();
  const resume = [{ runId: run.runId, fence: run.fence, nextSeq: 0n }];
  const again = new RawWorker(server.addr, { id: "w", resume });
  await again.hears("ack", ({ refId }) => refId === run.runId);
  again.status(run, statuses.COMPLETED);
  expect(await client.tasks.wait(id)).toMatchObject({ status: "COMPLETED", runs: [{ attempt: 1 }] });
  again.close();
});

test("SIGTERM lets a worker finish what it can, and it exits with 0", async () => {
  const worker = await stage.worker(server.addr, { id: "finishes", drain: "10s" });
  const { id } = await client.tasks.create({ agent: "writer", input: { chunks: 10, delayMs: 50 } });
  await until("the run writes", () => stage.traces().length > 0);
  expect(await worker.end("SIGTERM")).toBe(0);
  expect(await client.tasks.get(id)).toMatchObject({ status: "COMPLETED", runs: [{ attempt: 1 }] });
});

test("what a worker cannot finish in time it hands back, and another takes it at once", async () => {
  const leaving = await stage.worker(server.addr, { id: "leaves", drain: "200ms" });
  const { id } = await client.tasks.create({ agent: "sleeper" });
  await until("the run begins", () => stage.traces().length > 0);
  expect(await leaving.end("SIGTERM")).toBe(0);
  const { runs } = await client.tasks.get(id);
  expect(runs[0]).toMatchObject({ status: "CANCELLED", reason: "DECLINED" });

  await stage.worker(server.addr, { id: "stays" });
  await until("the other has it", async () => {
    const task = await client.tasks.get(id);
    return task.runs[1]?.workerId === "stays" && task.runs[1].status === "RUNNING";
  });
  expect((await client.tasks.get(id)).status).toBe("RUNNING");
});

/** True if the process is there and not merely waiting for its parent to take note of its end. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

test("a cancelled program leaves no process behind, nor do those that it started", async () => {
  const command = `family=sh -c "sleep 1000 & echo $! $$; trap '' TERM; sh -c 'echo $$; sleep 1000'; wait"`;
  await stage.worker(server.addr, { id: "exec", exec: [command] });
  const { id } = await client.tasks.create({ agent: "family" });
  let said = "";
  for await (const event of client.tasks.watch(id)) {
    if (event.type === "output") said += event.output.content;
    if (said.trim().split(/\s+/).length >= 3) break;
  }
  const pids = said.trim().split(/\s+/).map(Number);
  expect(pids.map(lives)).toEqual([true, true, true]);

  expect((await client.tasks.cancel(id)).status).toBe("CANCELLED");
  await until("all of them are gone", () => !pids.some(lives));
  await until("the worker has let go", async () => (await client.workers.get("exec")).activeRuns === 0);
  expect((await client.tasks.get(id)).status).toBe("CANCELLED");
});
