import { create, type DescMethod, type Message, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { instant } from "#domain/time";
import { rpcs, services } from "#gateway/handlers/index";
import { workerView } from "./fake-plane.js";
import { allMounts, type Mount } from "./mounts.js";
import { type Opened, open } from "./open.js";

/** What is sent to each rpc, as the fields of its request; and how many answers of a stream are enough. */
const samples: Readonly<
  Record<string, { readonly request: Record<string, unknown>; readonly atMost?: number }>
> = {
  "taskrun.v1.TaskService/CreateTask": {
    request: { agentName: "support_triage", inputJson: '{"query": "help"}' },
  },
  "taskrun.v1.TaskService/GetTask": { request: { id: "done" } },
  "taskrun.v1.TaskService/ListTasks": { request: {} },
  "taskrun.v1.TaskService/CancelTask": { request: { id: "cancel-me" } },
  "taskrun.v1.TaskService/BatchCreateTasks": { request: { tasks: [{ agentName: "a" }, {}] } },
  "taskrun.v1.TaskService/WatchTask": { request: { id: "done", afterSeq: 0n } },
  "taskrun.v1.TaskService/GetStepResult": { request: { taskId: "done", stepName: "main" } },
  "taskrun.v1.TaskService/RetryTask": { request: { id: "done" } },
  "taskrun.v1.WorkerService/ListWorkers": { request: {} },
  "taskrun.v1.WorkerService/GetWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.WorkerService/DrainWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.RunService/StreamConnect": {
    request: { payload: { case: "hello", value: { info: { workerId: "w-2" }, protocol: 1 } } },
    atMost: 1,
  },
  "taskrun.v1.RunService/GetStepResult": { request: { runId: "r", fence: 1, stepName: "s" } },
  "grpc.health.v1.Health/Check": { request: {} },
  "grpc.health.v1.Health/List": { request: {} },
  "grpc.health.v1.Health/Watch": { request: {}, atMost: 1 },
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": {
    request: { messageRequest: { case: "listServices", value: "" } },
    atMost: 1,
  },
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {
    request: { messageRequest: { case: "fileContainingSymbol", value: "taskrun.v1.Task" } },
    atMost: 1,
  },
};

const nameOf = (method: DescMethod) => `${method.parent.typeName}/${method.name}`;
const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);

let opened: Opened;
let mounts: readonly Mount[];

beforeAll(async () => {
  opened = await open();
  mounts = allMounts(opened);
  const { plane } = opened;
  plane.views.push(workerView("w-1"));
  plane.onReport = (report, sink) => {
    if (report.type === "hello") sink.send({ type: "drain", reason: report.info.workerId });
  };
});

afterAll(async () => {
  for (const mount of mounts) mount.close();
  await opened.doors.close(1_000);
});

test("the table serves exactly the rpcs that the protocols declare", () => {
  const served = rpcs.map(({ method }) => nameOf(method));

  expect(served.toSorted()).toEqual(methods.map(nameOf).toSorted());
  expect(Object.keys(samples).toSorted()).toEqual(served.toSorted());
});

/** The same Tasks before each call, so that every mount sees the same. */
async function prepare(): Promise<void> {
  const { plane } = opened;
  plane.details.clear();
  for (const id of ["done", "cancel-me"]) {
    const spec = {
      agentName: "a",
      priority: 0,
      timeoutMs: 0,
      maxAttempts: 1,
      labels: { team: "x" },
      workerSelector: {},
      createdBy: "",
      correlationId: "",
      startAt: 0,
      retryOf: "",
      idempotencyKey: "",
      fingerprint: "",
      holdOnFailure: false,
      principal: "local",
    };
    await plane.submit({ principal: "local", namespaces: "*", roles: [] }, [
      { id, namespace: "default", input: "{}", spec } as never,
    ]);
  }
  const id = "done" as TaskId;
  const task = plane.finish(id, "complete", '{"answer":42}');
  const { state, hasRun, finishedAt, reason, errorMessage } = task;
  const entry = { type: "task", at: instant(7), state, hasRun, finishedAt, reason, errorMessage } as const;
  plane.logs.set(id, [{ ...entry, state: "steps_in_process" }, entry]);
}

/** What of the answers differs from call to call, made equal; and what is long, made short. */
function comparable({ output }: DescMethod, answers: readonly Message[]): string {
  const texts = answers.map((answer) => toJsonString(output, answer).replaceAll(/id-\d+/g, "id-N"));
  return texts.map((text) => (text.length < 2_000 ? text : `${text.length} characters`)).join("\n");
}

describe.each(methods.map((method) => [nameOf(method), method] as const))("%s", (name, method) => {
  test("answers the same over every mount that can carry it", async () => {
    const sample = samples[name];
    const request = create(method.input, sample?.request) as Message;
    const seen = new Map<string, string>();
    for (const mount of mounts) {
      // HTTP/1.1 answers only when all has been asked.
      if (method.methodKind === "bidi_streaming" && mount.name === "connect over HTTP/1.1") continue;
      await prepare();
      const { answers, error } = await mount.call(method, [request], sample?.atMost);
      seen.set(mount.name, comparable(method, answers) + (error ? JSON.stringify(error) : ""));
    }

    const [first = ""] = seen.values();
    expect([...seen]).toEqual([...seen.keys()].map((mount) => [mount, first]));
    expect(first).toMatchSnapshot();
  });
});

test("every request is counted by rpc, door and code, and no bug was logged", async () => {
  const seen = () =>
    new Set(
      opened.counted
        .filter((counted) => counted.name === "taskrun_requests_total")
        .map(({ labels }) => `${labels?.rpc} ${labels?.door}`),
    );

  await expect.poll(() => seen().size).toBe(methods.length * 2);
  expect(opened.errors).toEqual([]);
});
