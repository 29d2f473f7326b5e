import { create, type DescMethod, type Message, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stepKey, type TaskId } from "#domain/id";
import { templateKey } from "#domain/template";
import { instant } from "#domain/time";
import { rpcs, services } from "#gateway/handlers/index";
import { run, runId, spec, step, task, template } from "#testing/rows";
import { workerView } from "./fake-plane.js";
import { allMounts, type Mount, type Seen } from "./mounts.js";
import { type Opened, open } from "./open.js";

const source = `name: fulfil
namespace_name: orders
version: 1.0.0
steps:
  - name: pack
    handler: { callable: packer }
`;

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
  "taskrun.v1.TaskService/SignalTask": {
    request: { id: "cancel-me", signal: "approve", payloadJson: "true" },
  },
  "taskrun.v1.TaskService/ResolveStep": {
    request: { taskId: "cancel-me", stepName: "main", action: 3, resultJson: "1" },
  },
  "taskrun.v1.TemplateService/Register": { request: { source } },
  "taskrun.v1.TemplateService/Get": { request: { template: { namespace: "orders", name: "fulfil" } } },
  "taskrun.v1.TemplateService/List": { request: { namespace: "orders" } },
  "taskrun.v1.TemplateService/Validate": { request: { source: "name: fulfil\n" } },
  "taskrun.v1.WorkerService/ListWorkers": { request: {} },
  "taskrun.v1.WorkerService/GetWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.WorkerService/DrainWorker": { request: { workerId: "w-1" } },
  "taskrun.v1.RunService/StreamConnect": {
    request: { payload: { case: "hello", value: { info: { workerId: "w-2" }, protocol: 1 } } },
    atMost: 1,
  },
  "taskrun.v1.RunService/GetStepResult": { request: { runId: runId(1), fence: 1, stepName: "main" } },
  "taskrun.v1.RunService/GetRunInput": { request: { runId: runId(1), fence: 1 } },
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
  await opened.gateway.close(1_000);
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
  plane.templates.clear();
  const row = template("fulfil", "0.9.0", { namespace: "orders" });
  plane.templates.set(templateKey(row), row);
  const chain = "chain" as TaskId;
  const steps = [
    step(chain, { state: "complete", outputBytes: 1 }),
    step(chain, { name: "after", dependsOn: ["main"] }),
  ];
  plane.details.set(chain, { task: task(chain), input: "{}", steps, runs: [] });
  plane.outputs.set(stepKey({ taskId: chain, stepName: "main" }), "1");
  plane.runs.set(runId(1), run(runId(1), chain, { stepName: "after" }));
  for (const id of ["done", "cancel-me"]) {
    await plane.submit({ principal: "local", namespaces: "*", roles: [] }, [
      { id: id as TaskId, namespace: "default", input: "{}", spec: spec({ labels: { team: "x" } }) },
    ]);
  }
  const id = "done" as TaskId;
  const ended = plane.finish(id, "complete", '{"answer":42}');
  const { state, hasRun, finishedAt, reason, errorMessage } = ended;
  const entry = { type: "task", at: instant(7), state, hasRun, finishedAt, reason, errorMessage } as const;
  plane.logs.set(id, [{ ...entry, state: "steps_in_process" }, entry]);
}

/** What of the answers differs from call to call, made equal; and what is long, made short. */
function comparable({ output }: DescMethod, answers: readonly Message[]): string {
  const texts = answers.map((answer) => toJsonString(output, answer).replaceAll(/id-\d+/g, "id-N"));
  return texts.map((text) => (text.length < 2_000 ? text : `${text.length} characters`)).join("\n");
}

/** What one mount answers. HTTP/1.1 answers a stream of requests only when all has been asked. */
async function ask(mount: Mount, method: DescMethod): Promise<Seen | undefined> {
  if (method.methodKind === "bidi_streaming" && mount.name === "connect over HTTP/1.1") return undefined;
  const sample = samples[nameOf(method)];
  await prepare();
  return mount.call(method, [create(method.input, sample?.request) as Message], sample?.atMost);
}

describe.each(methods.map((method) => [nameOf(method), method] as const))("%s", (_, method) => {
  test("answers the same over every mount that can carry it", async () => {
    const seen = new Map<string, string>();
    for (const mount of mounts) {
      const answered = await ask(mount, method);
      if (!answered) continue;
      const { answers, error } = answered;
      seen.set(mount.name, comparable(method, answers) + (error ? JSON.stringify(error) : ""));
    }

    const [first = ""] = seen.values();
    expect([...seen]).toEqual([...seen.keys()].map((mount) => [mount, first]));
    expect(first).toMatchSnapshot();
  });
});

test("every request is counted by rpc, listener and code, and no bug was logged", async () => {
  const seen = () =>
    new Set(
      opened.counted
        .filter((counted) => counted.name === "taskrun_requests_total")
        .map(({ labels }) => `${labels?.rpc} ${labels?.door}`),
    );

  for (const method of methods) for (const mount of mounts) await ask(mount, method);

  await expect.poll(() => seen().size).toBe(methods.length * 2);
  expect(opened.errors).toEqual([]);
});
