import { create, type Message } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import type { ModelBackend } from "#domain/task/run";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { run } from "#testing/rows";
import { type Task, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { type ListWorkersResponse, WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import { workerView } from "../kit/fake-plane.js";
import { allMounts, grpcJsMount, type Mount } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";

const MIB = 1024 * 1024;

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

async function createTask(): Promise<TaskId> {
  const { createTask: method } = TaskService.method;
  const { answers } = await mount.call(method, [create(method.input, { agentName: "a" })]);
  return (answers[0] as Task).id as TaskId;
}

function chunk(seq: number, bytes: number): LogEntry {
  return {
    type: "output",
    at: instant(1),
    runId: "r" as RunId,
    fence: 1,
    seq,
    content: "x".repeat(bytes),
    isFinal: false,
    metadata: {},
    sentAt: 0,
  };
}

test("an answer over 4 MiB is a failure that says so, over every mount, and the next one comes", async () => {
  const id = await createTask();
  opened.plane.logs.set(id, [chunk(0, 10), chunk(1, limits.messageBytes), chunk(2, 10)]);
  const { getTask, watchTask } = TaskService.method;
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");

  for (const each of allMounts(opened)) {
    opened.plane.details.set(id, { ...detail, input: "x".repeat(limits.messageBytes) });
    const { error } = await each.call(getTask, [create(getTask.input, { id })]);
    expect.soft([each.name, error?.code]).toEqual([each.name, 8]);
    opened.plane.details.set(id, detail);
    const next = await each.call(getTask, [create(getTask.input, { id })]);
    expect.soft([each.name, next.error]).toEqual([each.name, undefined]);

    const watched = await each.call(watchTask, [create(watchTask.input, { id })]);
    expect.soft([each.name, watched.answers.length, watched.error?.code]).toEqual([each.name, 1, 8]);
    each.close();
  }

  opened.plane.details.set(id, { ...detail, input: "x".repeat(limits.messageBytes) });
  expect((await mount.call(getTask, [create(getTask.input, { id })])).error).toMatchObject({
    message: expect.stringMatching(
      /^the answer is \d+ bytes long; the limit is 4194304 bytes: ask for less\.$/,
    ),
    reason: "ANSWER_TOO_LARGE",
    retrySeconds: undefined,
  });
});

const backend: ModelBackend = {
  provider: "local",
  modelName: "small",
  contextWindow: 8_000,
  supportsStreaming: true,
  modalities: ["text"],
  tools: Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(256, "x")),
  metadata: {},
};

function talkative(workerId: string, agentName = "support_triage") {
  const view = workerView(workerId, agentName);
  const backends = Array<ModelBackend>(16).fill(backend);
  const agent = { name: agentName, description: "Sorts tickets.", labels: { kind: "a" }, backends };
  return { ...view, info: { ...view.info, labels: { zone: "a" }, agents: [agent] } };
}

test("a fleet that says much of itself is listed whole as far as 2 MiB, and short from there", async () => {
  for (let i = 0; i < 40; i += 1) opened.plane.views.push(talkative(`w-${i}`.padEnd(6, "0")));
  const { listWorkers } = WorkerService.method;

  const { answers, error } = await mount.call(listWorkers, [create(listWorkers.input)]);

  expect(error).toBeUndefined();
  const { workers } = answers[0] as ListWorkersResponse & Message;
  expect(workers).toHaveLength(40);
  expect(workers[0]).toMatchObject({ labels: { zone: "a" }, agents: [{ description: "Sorts tickets." }] });
  expect(workers[0]?.agents[0]?.backends).toHaveLength(16);
  expect(workers.at(-1)).toMatchObject({
    hostname: "here",
    labels: {},
    agents: [{ name: "support_triage", description: "", labels: {}, backends: [] }],
  });
});

test("a fleet too large for a message, however short, is refused with the way out", async () => {
  const names = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(256, "x"));
  const [name = ""] = names;
  for (let i = 0; i < 300; i += 1) {
    const view = talkative(`w-${i}`, name);
    const agents = names.map((each) => ({ name: each, description: "", labels: {}, backends: [] }));
    opened.plane.views.push({ ...view, info: { ...view.info, agents } });
  }
  const { listWorkers } = WorkerService.method;

  const { error } = await mount.call(listWorkers, [create(listWorkers.input)]);

  expect(error).toMatchObject({ code: 8, reason: "ANSWER_TOO_LARGE" });
});

test("a Task of a hundred Runs with long errors and models fits into one answer", async () => {
  const id = await createTask();
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");
  const errorMessage = "x".repeat(limits.errorMessageBytes);
  const runs = Array.from({ length: 100 }, (_, i) => {
    return run(`r-${i}` as RunId, id, {
      status: "FAILED",
      errorMessage,
      backend: { ...backend, modalities: backend.tools },
    });
  });
  const whole = { ...detail, input: JSON.stringify("x".repeat(MIB - 2)), runs };
  opened.plane.details.set(id, whole);
  const { getTask } = TaskService.method;

  const { answers, error } = await mount.call(getTask, [create(getTask.input, { id })]);

  expect(error).toBeUndefined();
  const shown = (answers[0] as Task).runs;
  expect(shown.at(-1)?.backendUsed?.tools).toHaveLength(64);
  expect(shown[0]).toMatchObject({ runId: "r-0", errorMessage: "" });
  expect(shown[0]?.backendUsed).toBeUndefined();
});
