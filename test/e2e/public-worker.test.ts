/** Workers that speak the public protocol only, and know nothing of leases, fences and acknowledgements. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskEvent, TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import { ChatRole, RunEventType, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { type Server, Stage, until } from "./kit/harness.js";
import { backend, PublicWorker } from "./kit/public-worker.js";

const stage = new Stage();
let server: Server;
let client: TaskRunClient;

beforeAll(async () => {
  server = await stage.server();
  client = stage.client(server.addr);
});
afterAll(() => stage.end());

/** A worker that says hello only when it has its response headers. */
async function publicWorker(id: string, agent: string): Promise<PublicWorker> {
  const worker = new PublicWorker(server.addr, id);
  await worker.headers();
  worker.hello(agent);
  await until("the worker is listed", async () => (await client.workers.list({ agent })).length > 0);
  return worker;
}

/** A task's story in words. */
async function story(taskId: string): Promise<string[]> {
  const told: string[] = [];
  for await (const event of client.tasks.watch(taskId)) told.push(inWords(event));
  return told;
}

function inWords(event: TaskEvent): string {
  switch (event.type) {
    case "task":
      return `task ${event.task.state}`;
    case "step":
      return `step ${event.step.state}`;
    case "run":
      return `run ${event.run.status}`;
    case "output":
      return `output ${event.output.seq} "${event.output.content}"${event.output.isFinal ? " final" : ""}`;
    case "event":
      return `event ${event.event.kind}`;
    case "chat":
      return `chat ${event.chat.role} "${event.chat.content}"`;
    case "journal":
      return `journal ${event.journal.record.name} ${event.journal.record.state}`;
    case "usage":
      return `usage ${event.usage.model}`;
  }
}

test("a worker that sends nothing before it has response headers gets them at once", async () => {
  const worker = new PublicWorker(server.addr, "waits-for-headers");
  // As soon as they are asked for, not when the server gives up waiting for a hello.
  expect(await worker.headers()).toBeLessThan(limits.hello);
  expect(worker.heard).toEqual([]);
  worker.close();
});

test("it runs a task as the public worker does, headless: output, events, a final empty chunk", async () => {
  const worker = await publicWorker("headless", "support_triage");
  const created = await client.tasks.create({ agent: "support_triage", input: { query: "help" } });
  expect(created).toMatchObject({ status: "RUNNING", runs: [{ status: "ASSIGNED", workerId: "headless" }] });

  const run = await worker.assigned(created.id);
  expect(run).toMatchObject({ agentName: "support_triage", inputJson: '{"query":"help"}', deadlineMs: 0n });
  expect(Number(run.issuedAtMs)).toBeGreaterThan(0);
  worker.status(run.runId, RunStatus.RUNNING);
  worker.event(run, RunEventType.EXECUTION_STARTED);
  worker.event(run, RunEventType.SESSION_INITIALIZED, { session_id: "s", model: "m" });
  worker.chunk(run.runId, 0, "one ");
  worker.chunk(run.runId, 1, "two");
  worker.event(run, RunEventType.EXECUTION_COMPLETED, { duration_ms: "12" });
  worker.chunk(run.runId, 2, "", true);
  worker.status(run.runId, RunStatus.COMPLETED, { backendUsed: backend });

  expect(await story(created.id)).toEqual([
    "task pending",
    "task initializing",
    "task enqueuing_steps",
    "step enqueued",
    "run ASSIGNED",
    "step in_progress",
    "task evaluating_results",
    "task steps_in_process",
    "run RUNNING",
    "event EXECUTION_STARTED",
    "event SESSION_INITIALIZED",
    'output 0 "one "',
    'output 1 "two"',
    "event EXECUTION_COMPLETED",
    'output 2 "" final',
    "run COMPLETED",
    "step enqueued_for_orchestration",
    "step complete",
    "task evaluating_results",
    "task complete",
  ]);
  const { runs } = await client.tasks.get(created.id);
  expect(runs).toMatchObject([{ status: "COMPLETED", backendUsed: backend, reason: "" }]);
  const kinds = new Set(worker.heard.map((frame) => frame.case));
  expect([...kinds]).toEqual(["assignRun"]); // no welcome, no acknowledgement
  worker.close();
});

test("one with a screen says it in chat messages, without any output", async () => {
  const worker = await publicWorker("screen", "general");
  const { id } = await client.tasks.create({ agent: "general", input: { prompt: "help" } });
  const run = await worker.assigned(id);
  const say = (role: ChatRole, content: string) => {
    const message = { role, content, timestampMs: BigInt(Date.now()) };
    worker.say({ case: "chatMessage", value: { runId: run.runId, message } });
  };
  say(ChatRole.USER, "help");
  worker.status(run.runId, RunStatus.RUNNING);
  say(ChatRole.ASSISTANT, "the whole answer");
  worker.status(run.runId, RunStatus.COMPLETED, { backendUsed: backend });

  expect((await story(id)).slice(-8)).toEqual([
    'chat USER "help"',
    "run RUNNING",
    'chat ASSISTANT "the whole answer"',
    "run COMPLETED",
    "step enqueued_for_orchestration",
    "step complete",
    "task evaluating_results",
    "task complete",
  ]);
  worker.close();
});

test("a failure without a final chunk fails the task with the worker's words", async () => {
  const worker = await publicWorker("fails", "fails");
  const { id } = await client.tasks.create({ agent: "fails" });
  const run = await worker.assigned(id);
  worker.status(run.runId, RunStatus.RUNNING);
  worker.status(run.runId, RunStatus.FAILED, { errorMessage: "SDK error: exited with code 1" });

  const task = await client.tasks.wait(id);
  expect(task).toMatchObject({
    status: "FAILED",
    runs: [{ status: "FAILED", reason: "AGENT_ERROR", errorMessage: "SDK error: exited with code 1" }],
  });
  worker.close();
});

test("a worker that comes back without its run has lost it, and the run is tried again by the new one", async () => {
  const first = await publicWorker("comes-back", "comes-back");
  const { id } = await client.tasks.create({ agent: "comes-back" });
  const lost = await first.assigned(id);
  first.status(lost.runId, RunStatus.RUNNING);
  first.close();

  const second = await publicWorker("comes-back", "comes-back");
  const run = await second.assigned(id);
  second.status(lost.runId, RunStatus.COMPLETED); // of a life before: changes nothing
  second.status(run.runId, RunStatus.RUNNING);
  second.status(run.runId, RunStatus.COMPLETED);
  const task = await client.tasks.wait(id);
  expect(task.runs).toMatchObject([
    { id: lost.runId, status: "FAILED", reason: "WORKER_LOST" },
    { id: run.runId, status: "COMPLETED", attempt: 1, fence: 2 },
  ]);
  second.close();
});
