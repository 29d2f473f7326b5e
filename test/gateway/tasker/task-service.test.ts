/** Tasks by `tasker.v1`: created, read, listed, followed and cancelled over a real plane. */
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "#limits/index";
import { SortDirection, StepState, TaskState } from "#wire/gen/tasker/v1/common_pb";
import { TaskService, TaskStatusUpdate_UpdateType as UpdateType } from "#wire/gen/tasker/v1/tasks_pb";
import { TaskService as OurTasks } from "#wire/gen/taskrun/v1/task_service_pb";
import { agent } from "#worker/index";
import { failureOf, mine, openTaskerWorld, type TaskerWorld, theirs } from "./world.js";

let world: TaskerWorld;
let tasks: ReturnType<typeof clientOf>;
const clientOf = () => world.client(TaskService);
const UNKNOWN = "00000000-0000-7000-8000-00000000dead";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const template = (name: string, agents: readonly string[], more = "") => `name: ${name}
namespace_name: mine
version: 1.0.0
${more}steps:
${agents.map((callable, i) => `  - name: step${i + 1}\n    handler: { callable: ${callable} }\n${i > 0 ? `    dependencies: [step${i}]\n` : ""}    retry: { max_attempts: 1 }\n`).join("")}`;

beforeAll(async () => {
  world = await openTaskerWorld();
  tasks = clientOf();
  await world.register(template("fulfil", ["packer", "shipper"]));
  await world.register(template("waits", ["nobody"]));
  await world.register(template("breaks", ["breaker", "shipper"]));
  await world.register(template("holds", ["breaker"], "hold_on_failure: true\n"));
  await world.serve([
    agent({ name: "packer", run: async () => ({ box: 7 }) }),
    agent({ name: "shipper", run: async () => "on its way" }),
    agent({
      name: "breaker",
      run: async () => {
        throw new Error("the tape is out");
      },
    }),
  ]);
});
afterAll(() => world.stop());

const fulfil = { name: "fulfil", namespace: "mine", version: "1.0.0" };

async function ended(request: object): Promise<string> {
  const { task } = await tasks.createTask(request, mine);
  const taskUuid = task?.taskUuid ?? "";
  await updatesOf({ taskUuid });
  return taskUuid;
}

async function updatesOf(request: { taskUuid: string; includeSteps?: boolean }) {
  const updates = [];
  for await (const update of tasks.streamTaskStatus(request, mine)) updates.push(update);
  return updates;
}

test("a Task keeps all that its request says, and is shown with it", async () => {
  const request = {
    ...{ ...fulfil, name: "waits" },
    context: { order: 7, deep: { list: [1, "two", null, true] } },
    correlationId: "c-1",
    initiator: "ann",
    sourceSystem: "shop",
    reason: "an order came in",
    priority: 5,
    tags: ["big", "blue", "big"],
    parentCorrelationId: "p-1",
  };
  const { task, backpressure } = await tasks.createTask(request, mine);

  expect(backpressure).toMatchObject({ active: false });
  expect(task).toMatchObject({ ...request, tags: ["big", "blue"], totalSteps: 1n, completedSteps: 0n });
  expect(task?.taskUuid).toMatch(UUID);
  const found = await tasks.getTask({ taskUuid: task?.taskUuid.toUpperCase() ?? "" }, mine);
  expect(found.task).toMatchObject({ ...request, tags: ["big", "blue"] });
  expect([found.steps, found.context]).toEqual([[], undefined]);
  const ours = await world.client(OurTasks).getTask({ id: task?.taskUuid ?? "" }, mine);
  expect(ours.labels).toMatchObject({
    "tasker.source_system": "shop",
    "tasker.reason": "an order came in",
    "tasker.parent_correlation_id": "p-1",
    "tasker.tag.big": "",
  });
});

test("its Steps and its context come if they are asked for, with the results that there are", async () => {
  const taskUuid = await ended({ ...fulfil, context: { order: 7, step1: "given" } });
  const found = await tasks.getTask({ taskUuid, includeSteps: true, includeContext: true }, mine);

  expect(found.task).toMatchObject({
    state: TaskState.COMPLETE,
    completionPercentage: 100,
    executionStatus: "all_complete",
    completedSteps: 2n,
  });
  expect(found.task?.completedAt).toBeDefined();
  expect(found.steps).toMatchObject([
    { name: "step1", taskUuid, state: StepState.COMPLETE, results: { box: 7 }, attempts: 1 },
    { name: "step2", results: { value: "on its way" }, totalParents: 1, completedParents: 1 },
  ]);
  for (const { stepUuid } of found.steps) expect(stepUuid).toMatch(UUID);
  const context = {
    inputs: { order: 7, step1: "given" },
    outputs: { step1: { box: 7 }, step2: "on its way" },
    merged: { order: 7, step1: { box: 7 }, step2: "on its way" },
  };
  expect(found.context).toMatchObject(context);
  expect((await tasks.getTaskContext({ taskUuid }, mine)).context).toMatchObject(context);
});

test("what is too large as Structs is left out of a Task, and a context is whole or refused", async () => {
  const many = `{"list":[${Array.from({ length: 400_000 }, () => "1").join(",")}]}`;
  const ours = world.client(OurTasks);
  const large = await ours.createTask({ template: fulfil, inputJson: many }, mine);
  await updatesOf({ taskUuid: large.id });
  const whole = await tasks.getTask({ taskUuid: large.id, includeSteps: true, includeContext: true }, mine);
  expect(whole.task?.state).toBe(TaskState.COMPLETE);
  expect([whole.task?.context, whole.context]).toEqual([undefined, undefined]);
  expect(whole.steps).toMatchObject([{ results: { box: 7 } }, {}]);
  const failure = await failureOf(tasks.getTaskContext({ taskUuid: large.id }, mine));
  expect(failure).toMatchObject({
    code: Code.ResourceExhausted,
    reason: "ANSWER_TOO_LARGE",
    retryAfter: null,
  });
  expect(failure?.message).toContain('"step1", "step2" by StepService/GetStep');

  // Once as the Task's own, and not twice more.
  const half = `{"list":[${Array.from({ length: 50_000 }, () => "1").join(",")}]}`;
  const { id } = await ours.createTask({ template: { ...fulfil, name: "waits" }, inputJson: half }, mine);
  const found = await tasks.getTask({ taskUuid: id, includeContext: true }, mine);
  expect(found.task?.context?.list).toHaveLength(50_000);
  expect(found.context).toBeUndefined();
  expect((await tasks.getTaskContext({ taskUuid: id }, mine)).context?.merged).toHaveProperty("list");
  const cancelled = await tasks.cancelTask({ taskUuid: id }, mine);
  expect(cancelled.task?.context).toHaveProperty("list");
});

test("a summary has the Task, its plan, its Steps with their errors, and its dead letter", async () => {
  const taskUuid = await ended({ ...fulfil, name: "breaks" });
  const summary = await tasks.getTaskSummary({ taskUuid }, mine);

  expect(summary).toMatchObject({
    task: { taskUuid, name: "breaks", status: "error", failedSteps: 1n, healthStatus: "blocked" },
    template: {
      steps: [{ name: "step1", handler: "breaker", stepType: "standard" }, { dependencies: ["step1"] }],
    },
    steps: [{ name: "step1", currentState: "error", error: { retryable: false } }, { name: "step2" }],
    dlq: { inDlq: true, dlqReason: "max_retries_exceeded", resolutionStatus: "pending" },
    links: { task: `/v1/tasks/${taskUuid}` },
  });
  expect(new Date(summary.task?.createdAt ?? "").toISOString()).toBe(summary.task?.createdAt);
});

test("its states are told as they come, to each terminal state, and its Steps' if they are asked for", async () => {
  const { task } = await tasks.createTask(fulfil, mine);
  const taskUuid = task?.taskUuid ?? "";
  const updates = await updatesOf({ taskUuid, includeSteps: true });

  expect(updates.at(-1)).toMatchObject({
    updateType: UpdateType.TASK_COMPLETE,
    taskState: TaskState.COMPLETE,
  });
  const ofStep2 = updates.flatMap(({ stepUpdate }) =>
    stepUpdate?.name === "step2" ? [stepUpdate.state] : [],
  );
  expect(ofStep2.at(-1)).toBe(StepState.COMPLETE);
  expect(new Set(ofStep2).size).toBe(ofStep2.length);
  // Of one that has ended the end alone is told.
  expect((await updatesOf({ taskUuid })).map(({ taskState }) => taskState)).toEqual([TaskState.COMPLETE]);

  const failed = await ended({ ...fulfil, name: "breaks" });
  expect(await updatesOf({ taskUuid: failed })).toMatchObject([
    {
      updateType: UpdateType.TASK_ERROR,
      taskState: TaskState.ERROR,
      errorMessage: expect.stringContaining("tape"),
    },
  ]);
});

test("a watch of a Task that is cancelled ends with that, without steps if none are asked for", async () => {
  const { task } = await tasks.createTask({ ...fulfil, name: "waits" }, mine);
  const taskUuid = task?.taskUuid ?? "";
  const seen: unknown[] = [];
  for await (const update of tasks.streamTaskStatus({ taskUuid }, mine)) {
    seen.push([update.updateType, update.taskState]);
    if (seen.length > 1) continue;
    const cancelled = await tasks.cancelTask({ taskUuid, reason: "changed my mind" }, mine);
    expect(cancelled).toMatchObject({ success: true, task: { state: TaskState.CANCELLED } });
  }
  expect(seen).toEqual([
    [UpdateType.TASK_STATE_CHANGE, expect.any(Number)],
    [UpdateType.TASK_ERROR, TaskState.CANCELLED],
  ]);
  // What cannot be cancelled is an invalid request in Tasker's words.
  expect(await failureOf(tasks.cancelTask({ taskUuid }, mine))).toMatchObject({
    code: Code.InvalidArgument,
    field: "task_uuid",
  });
});

test("a watch of a Task that is held goes on until it is resolved by hand", async () => {
  const { task } = await tasks.createTask({ ...fulfil, name: "holds" }, mine);
  const taskUuid = task?.taskUuid ?? "";
  const states: unknown[] = [];
  for await (const { updateType, taskState } of tasks.streamTaskStatus({ taskUuid }, mine)) {
    states.push(taskState);
    if (taskState === TaskState.BLOCKED_BY_FAILURES) {
      await world
        .client(OurTasks)
        .resolveStep({ taskId: taskUuid, action: 2, reason: "done by phone" }, mine);
    }
    if (taskState === TaskState.RESOLVED_MANUALLY) expect(updateType).toBe(UpdateType.TASK_COMPLETE);
  }
  expect(states.slice(-2)).toEqual([TaskState.BLOCKED_BY_FAILURES, TaskState.RESOLVED_MANUALLY]);
});

test("Tasks are listed by offset, filter and order, and a Task of an agent by its name", async () => {
  const ours = world.client(OurTasks);
  const of = { agentName: "nobody_lists", createdBy: "list-test" };
  const ids: string[] = [];
  for (const priority of [1, 3, 2]) {
    ids.push((await ours.createTask({ ...of, priority, labels: { "tasker.tag.third": "" } }, mine)).id);
  }
  const list = async (request: object) => {
    const { tasks: found, pagination } = await tasks.listTasks({ initiator: "list-test", ...request }, mine);
    return { ids: found.map(({ taskUuid }) => ids.indexOf(taskUuid)), pagination };
  };

  expect(await list({})).toMatchObject({
    ids: [2, 1, 0],
    pagination: { total: 3n, count: 3, offset: 0, hasMore: false },
  });
  expect(await list({ pagination: { limit: 1, offset: 1 } })).toMatchObject({
    ids: [1],
    pagination: { total: 3n, count: 1, offset: 1, hasMore: true },
  });
  expect(await list({ name: "nobody_lists", tags: ["third"] })).toMatchObject({ ids: [2, 1, 0] });
  expect(await list({ name: "fulfil" })).toMatchObject({ ids: [] });
  expect(await list({ tags: ["none"] })).toMatchObject({ ids: [], pagination: { total: 0n } });
  expect(await list({ states: [TaskState.COMPLETE] })).toMatchObject({ ids: [] });
  const sort = (field: string, direction: SortDirection) => ({ sort: { field, direction } });
  expect((await list(sort("created_at", SortDirection.ASC))).ids).toEqual([0, 1, 2]);
  expect((await list(sort("created_at", SortDirection.DESC))).ids).toEqual([2, 1, 0]);
  expect((await list(sort("priority", SortDirection.DESC))).ids).toEqual([1, 2, 0]);
  expect(
    await list({ ...sort("priority", SortDirection.ASC), pagination: { limit: 1, offset: 1 } }),
  ).toMatchObject({
    ids: [2],
    pagination: { total: 3n, count: 1, hasMore: true },
  });
  const { tasks: all } = await tasks.listTasks({ name: "fulfil", pagination: { limit: 1 } }, mine);
  const start = all[0]?.createdAt;
  expect(all[0]).toMatchObject({ name: "fulfil", version: "1.0.0" });
  expect((await list({ createdAt: { start } })).ids).toEqual([2, 1, 0]);
  expect((await list({ createdAt: { end: { seconds: 1n } } })).ids).toEqual([]);
});

test.each([
  ["task_uuid", "INVALID_UUID", () => tasks.getTask({ taskUuid: "nonsense" }, mine)],
  ["task_uuid", "INVALID_UUID", () => tasks.getTask({}, mine)],
  ["task_uuid", "INVALID_UUID", () => tasks.cancelTask({ taskUuid: "7" }, mine)],
  ["task_uuid", "INVALID_UUID", () => tasks.getTaskContext({ taskUuid: "7" }, mine)],
  ["task_uuid", "INVALID_UUID", () => tasks.getTaskSummary({ taskUuid: "7" }, mine)],
  ["task_uuid", "INVALID_UUID", () => updatesOf({ taskUuid: "7" })],
  ["name", undefined, () => tasks.createTask({ namespace: "mine" }, mine)],
  ["priority", undefined, () => tasks.createTask({ ...fulfil, priority: 101 }, mine)],
  ["version", undefined, () => tasks.createTask({ ...fulfil, version: "one" }, mine)],
  ["name", undefined, () => tasks.createTask({ ...fulfil, name: "\n" }, mine)],
  ["initiator", undefined, () => tasks.createTask({ ...fulfil, initiator: "\n" }, mine)],
  ["initiator", undefined, () => tasks.listTasks({ initiator: "\n" }, mine)],
  ["context", undefined, () => tasks.createTask({ ...fulfil, context: { n: Number.NaN } }, mine)],
  ["context", undefined, () => tasks.createTask({ ...fulfil, context: { n: [-Infinity] } }, mine)],
  ["tags", undefined, () => tasks.createTask({ ...fulfil, tags: [""] }, mine)],
  [
    "pagination.limit",
    undefined,
    () => tasks.listTasks({ pagination: { limit: limits.taskerPageMax + 1 } }, mine),
  ],
  ["pagination.limit", undefined, () => tasks.listTasks({ pagination: { limit: 0 } }, mine)],
  ["pagination.offset", undefined, () => tasks.listTasks({ pagination: { offset: -1 } }, mine)],
  ["states", undefined, () => tasks.listTasks({ states: [99 as TaskState] }, mine)],
  ["sort.field", undefined, () => tasks.listTasks({ sort: { field: "__proto__" } }, mine)],
  [
    "sort.direction",
    undefined,
    () => tasks.listTasks({ sort: { field: "name", direction: 9 as SortDirection } }, mine),
  ],
])("%s is refused by name (%s)", async (field, reason, ask) => {
  const failure = await failureOf(ask());
  expect(failure).toMatchObject({ code: Code.InvalidArgument, field });
  if (reason !== undefined) expect(failure?.reason).toBe(reason);
});

test("a Task that there is not, and one of another namespace, are not found in the same words", async () => {
  const { task } = await tasks.createTask({ ...fulfil, name: "waits" }, mine);
  const words = async (taskUuid: string, who: typeof theirs) => {
    const asked = [
      tasks.getTask({ taskUuid }, who),
      tasks.cancelTask({ taskUuid }, who),
      tasks.getTaskContext({ taskUuid }, who),
      tasks.getTaskSummary({ taskUuid }, who),
      (async () => {
        for await (const _ of tasks.streamTaskStatus({ taskUuid }, who)) break;
      })(),
    ];
    const failures = await Promise.all(asked.map(failureOf));
    return failures.map((failure) => [failure?.code, failure?.message.replace(taskUuid, "ID")]);
  };
  const foreign = await words(task?.taskUuid ?? "", theirs);
  expect(foreign).toEqual(await words(UNKNOWN, theirs));
  expect(foreign.every(([code]) => code === Code.NotFound)).toBe(true);
  expect((await tasks.listTasks({ namespace: "mine" }, theirs)).tasks).toEqual([]);
  expect((await tasks.listTasks({}, theirs)).tasks).toEqual([]);
  expect(await failureOf(tasks.createTask(fulfil, theirs))).toMatchObject({ code: Code.PermissionDenied });
});
