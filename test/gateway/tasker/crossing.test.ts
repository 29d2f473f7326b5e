/** One Task, asked for in four protocols: what one of them does, the others see. */
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StepState, TaskState } from "#wire/gen/tasker/v1/common_pb";
import { StepManualActionType, StepService } from "#wire/gen/tasker/v1/steps_pb";
import { TaskService, TaskStatusUpdate_UpdateType as UpdateType } from "#wire/gen/tasker/v1/tasks_pb";
import { TaskService as OurTasks } from "#wire/gen/taskrun/v1/task_service_pb";
import { agent } from "#worker/index";
import { mine, openTaskerWorld, type TaskerWorld } from "./world.js";

let world: TaskerWorld;
let rest: (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;
let overWeb: ReturnType<typeof webClient>;
let overGrpc: ReturnType<typeof grpcClients>;

const baseUrl = () => `http://127.0.0.1:${world.httpPort}`;
const webClient = () =>
  createClient(TaskService, createGrpcWebTransport({ baseUrl: baseUrl(), httpVersion: "1.1" }));
const grpcClients = () => {
  const transport = createGrpcTransport({ baseUrl: baseUrl() });
  return { tasks: createClient(TaskService, transport), steps: createClient(StepService, transport) };
};

beforeAll(async () => {
  world = await openTaskerWorld();
  await world.register(`name: publish
namespace_name: mine
version: 1.0.0
hold_on_failure: true
steps:
  - { name: draft, handler: { callable: breaker }, retry: { max_attempts: 1 } }
  - { name: approve, type: signal, dependencies: [draft] }
  - { name: print, handler: { callable: printer }, dependencies: [approve] }
`);
  await world.serve([
    agent({
      name: "breaker",
      run: async () => {
        throw new Error("no ink");
      },
    }),
    agent({ name: "printer", run: async () => ({ pages: 3 }) }),
  ]);
  rest = async (method, path, body) => {
    const headers = { "x-who": "mine", ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(`${baseUrl()}${path}`, {
      ...{ method, headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { http: answer.status, ...((await answer.json()) as object) };
  };
  overWeb = webClient();
  overGrpc = grpcClients();
});
afterAll(() => world.stop());

async function createdByRest(): Promise<string> {
  const request = { name: "publish", namespace: "mine", version: "1.0.0", context: { title: "On tape" } };
  const created = await rest("POST", "/v1/tasks", request);
  expect(created).toMatchObject({ http: 200, name: "publish", status: expect.any(String) });
  return String(created.task_uuid);
}

test("created by REST, watched by gRPC-Web, resolved by tasker.v1, signalled by Connect", async () => {
  const taskUuid = await createdByRest();
  const states: (TaskState | undefined)[] = [];
  const steps: string[] = [];
  for await (const update of overWeb.streamTaskStatus({ taskUuid, includeSteps: true }, mine)) {
    const { stepUpdate, taskState } = update;
    if (stepUpdate) steps.push(`${stepUpdate.name} ${StepState[stepUpdate.state]}`);
    else states.push(taskState);
    if (taskState !== TaskState.BLOCKED_BY_FAILURES) continue;

    const { steps: all } = await overGrpc.steps.listSteps({ taskUuid }, mine);
    const stepUuid = all.find(({ state }) => state === StepState.ERROR)?.stepUuid ?? "";
    const request = {
      taskUuid,
      stepUuid,
      actionType: StepManualActionType.COMPLETE_MANUALLY,
      result: { text: "…" },
    };
    expect((await overGrpc.steps.resolveStep(request, mine)).step?.name).toBe("draft");
    const overConnect = createClient(
      OurTasks,
      createConnectTransport({ baseUrl: baseUrl(), httpVersion: "1.1", useBinaryFormat: false }),
    );
    await overConnect.signalTask({ id: taskUuid, signal: "approve", payloadJson: '{"by":"ann"}' }, mine);
  }

  expect(states).toContain(TaskState.BLOCKED_BY_FAILURES);
  expect(states.at(-1)).toBe(TaskState.COMPLETE);
  expect(steps).toEqual(
    expect.arrayContaining(["draft ERROR", "draft COMPLETE", "approve COMPLETE", "print COMPLETE"]),
  );
  const { context } = await overGrpc.tasks.getTaskContext({ taskUuid }, mine);
  expect(context).toMatchObject({
    inputs: { title: "On tape" },
    outputs: { draft: { text: "…" }, approve: { by: "ann" }, print: { pages: 3 } },
  });
  const shown = await rest("GET", `/v1/tasks/${taskUuid}`);
  expect(shown).toMatchObject({ status: "complete", completed_steps: 3 });
  // Both name a Step by the same id.
  const { steps: ofGrpc } = await overGrpc.steps.listSteps({ taskUuid }, mine);
  const ofRest = shown.steps as readonly { step_uuid: string }[];
  expect(ofRest.map(({ step_uuid }) => step_uuid)).toEqual(ofGrpc.map(({ stepUuid }) => stepUuid));
});

test("created by REST, cancelled by tasker.v1, and seen to be so by gRPC-Web and REST", async () => {
  const taskUuid = await createdByRest();
  let last: unknown;
  for await (const { updateType, taskState } of overWeb.streamTaskStatus({ taskUuid }, mine)) {
    last = [updateType, taskState];
    if (taskState !== TaskState.BLOCKED_BY_FAILURES) continue;
    const cancelled = await overGrpc.tasks.cancelTask({ taskUuid, reason: "no ink" }, mine);
    expect(cancelled).toMatchObject({ success: true, task: { state: TaskState.CANCELLED } });
  }
  expect(last).toEqual([UpdateType.TASK_ERROR, TaskState.CANCELLED]);
  expect(await rest("GET", `/v1/tasks/${taskUuid}`)).toMatchObject({ status: "cancelled" });
});
