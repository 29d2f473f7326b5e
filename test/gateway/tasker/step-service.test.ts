/** Steps by `tasker.v1`: read, decided about by hand, and audited over a real plane. */
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StepState, TaskState } from "#wire/gen/tasker/v1/common_pb";
import { StepManualActionType as Action, StepService } from "#wire/gen/tasker/v1/steps_pb";
import { TaskService } from "#wire/gen/tasker/v1/tasks_pb";
import { TaskService as OurTasks } from "#wire/gen/taskrun/v1/task_service_pb";
import { agent } from "#worker/index";
import { failureOf, mine, openTaskerWorld, type TaskerWorld, theirs } from "./world.js";

let world: TaskerWorld;
let isFixed = false;
const steps = () => world.client(StepService);
const tasks = () => world.client(TaskService);
const UNKNOWN = "00000000-0000-7000-8000-00000000dead";

beforeAll(async () => {
  world = await openTaskerWorld();
  await world.register(`name: holds
namespace_name: mine
version: 1.0.0
hold_on_failure: true
steps:
  - { name: pack, handler: { callable: packer } }
  - { name: ship, handler: { callable: breaker }, dependencies: [pack], retry: { max_attempts: 1 } }
`);
  await world.register(`name: large
namespace_name: mine
version: 1.0.0
steps: [{ name: a, handler: { callable: large } }, { name: b, handler: { callable: large } }]
`);
  await world.serve([
    agent({ name: "packer", run: async () => ({ box: 7 }) }),
    agent({ name: "large", run: async () => ({ text: "x".repeat(700_000) }) }),
    agent({ name: "many", run: async () => Array.from({ length: 200_000 }, () => 1) }),
    agent({
      name: "breaker",
      run: async () => {
        if (isFixed) return { sent: true };
        throw new Error("the tape is out");
      },
    }),
  ]);
});
afterAll(() => world.stop());

/** Reads the states of a Task up to one of them, or to the last one. */
async function until(taskUuid: string, wanted?: TaskState): Promise<TaskState | undefined> {
  let last: TaskState | undefined;
  for await (const { taskState } of tasks().streamTaskStatus({ taskUuid }, mine)) {
    last = taskState;
    if (taskState === wanted) break;
  }
  return last;
}

/** A Task that is held for its second Step. */
async function held() {
  const { task } = await tasks().createTask({ name: "holds", namespace: "mine" }, mine);
  const taskUuid = task?.taskUuid ?? "";
  await until(taskUuid, TaskState.BLOCKED_BY_FAILURES);
  const { steps: all } = await steps().listSteps({ taskUuid }, mine);
  const [pack = "", ship = ""] = all.map(({ stepUuid }) => stepUuid);
  return { taskUuid, pack, ship };
}

test("Steps are listed, and read one by one, with their results and what they depend on", async () => {
  const { taskUuid, pack, ship } = await held();
  const list = await steps().listSteps({ taskUuid }, mine);
  expect(list).toMatchObject({
    steps: [
      {
        stepUuid: pack,
        taskUuid,
        name: "pack",
        state: StepState.COMPLETE,
        results: { box: 7 },
        totalParents: 0,
      },
      {
        stepUuid: ship,
        name: "ship",
        state: StepState.ERROR,
        totalParents: 1,
        completedParents: 1,
        attempts: 1,
      },
    ],
    pagination: { total: 2n, count: 2, offset: 0, hasMore: false },
  });
  const { step } = await steps().getStep({ taskUuid, stepUuid: pack.toUpperCase() }, mine);
  expect(step).toEqual(list.steps[0]);
  expect((await steps().getStep({ taskUuid, stepUuid: ship }, mine)).step?.lastFailureAt).toBeDefined();
});

test("a Step that has failed is reset, and its Task goes on", async () => {
  const { taskUuid, ship } = await held();
  isFixed = true;
  const request = {
    taskUuid,
    stepUuid: ship,
    actionType: Action.RESET_FOR_RETRY,
    performedBy: "ann",
    reason: "tape",
  };
  const { step } = await steps().resolveStep(request, mine);
  expect(step?.stepUuid).toBe(ship);
  expect(step?.state).not.toBe(StepState.ERROR);
  expect(await until(taskUuid)).toBe(TaskState.COMPLETE);
  isFixed = false;

  const { auditRecords } = await steps().getStepAudit({ taskUuid, stepUuid: ship }, mine);
  const [sent, reset, failed] = auditRecords;
  expect(auditRecords).toHaveLength(3);
  expect(sent).toMatchObject({
    stepUuid: ship,
    taskUuid,
    stepName: "ship",
    success: true,
    result: { sent: true },
    fromState: StepState.IN_PROGRESS,
    toState: StepState.ENQUEUED_FOR_ORCHESTRATION,
  });
  expect(sent?.workerUuid).toBeTruthy();
  expect(sent?.executionTimeMs).toBeGreaterThanOrEqual(0n);
  expect(reset?.toState).toBe(StepState.PENDING);
  expect([reset?.result, reset?.workerUuid, reset?.executionTimeMs]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(failed).toMatchObject({ success: false, toState: StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION });
  const ids = auditRecords.flatMap(({ auditUuid, transitionUuid }) => [auditUuid, transitionUuid]);
  expect(new Set(ids).size).toBe(6);
  expect((await steps().getStepAudit({ taskUuid, stepUuid: ship }, mine)).auditRecords).toEqual(auditRecords);
});

test("a Step is completed by hand with a result, which its audit and its Task have, and who did it", async () => {
  const { taskUuid, ship } = await held();
  const by = { performedBy: "ann", reason: "by phone" };
  const request = {
    taskUuid,
    stepUuid: ship,
    actionType: Action.COMPLETE_MANUALLY,
    result: { sent: "by hand" },
    ...by,
  };
  expect((await steps().resolveStep(request, mine)).step).toMatchObject({
    state: StepState.COMPLETE,
    results: { sent: "by hand" },
  });
  expect(await until(taskUuid)).toBe(TaskState.COMPLETE);
  const { auditRecords } = await steps().getStepAudit({ taskUuid, stepUuid: ship }, mine);
  expect(auditRecords[0]).toMatchObject({ toState: StepState.COMPLETE, result: { sent: "by hand" } });
  const ours = await world.client(OurTasks).getStepAudit({ taskId: taskUuid, stepName: "ship" }, mine);
  expect(JSON.stringify(ours.entries, (_, value) => (typeof value === "bigint" ? "" : value))).toContain(
    "ann: by phone",
  );
});

test("a Step is resolved by hand; one that has ended well is not decided about", async () => {
  const { taskUuid, pack, ship } = await held();
  const request = { taskUuid, stepUuid: pack, actionType: Action.RESOLVE_MANUALLY };
  expect(await failureOf(steps().resolveStep(request, mine))).toMatchObject({
    code: Code.FailedPrecondition,
  });
  const { step } = await steps().resolveStep({ ...request, stepUuid: ship }, mine);
  expect(step?.state).toBe(StepState.RESOLVED_MANUALLY);
  expect([TaskState.COMPLETE, TaskState.RESOLVED_MANUALLY]).toContain(await until(taskUuid));
});

test("a result that an answer with all Steps has no room for is there when its Step is read", async () => {
  const { task } = await tasks().createTask({ name: "large", namespace: "mine" }, mine);
  const taskUuid = task?.taskUuid ?? "";
  await until(taskUuid);
  const { steps: all } = await steps().listSteps({ taskUuid }, mine);
  expect(all.filter(({ results }) => results !== undefined)).toHaveLength(1);
  for (const { stepUuid } of all) {
    const { step } = await steps().getStep({ taskUuid, stepUuid }, mine);
    expect(step?.results?.text).toHaveLength(700_000);
    const { auditRecords } = await steps().getStepAudit({ taskUuid, stepUuid }, mine);
    expect(auditRecords[0]?.result?.text).toHaveLength(700_000);
  }

  const { id } = await world.client(OurTasks).createTask({ agentName: "many" }, mine);
  await until(id);
  const { steps: many } = await steps().listSteps({ taskUuid: id }, mine);
  const failure = await failureOf(steps().getStep({ taskUuid: id, stepUuid: many[0]?.stepUuid ?? "" }, mine));
  expect(failure).toMatchObject({ code: Code.ResourceExhausted, reason: "ANSWER_TOO_LARGE" });
  expect(failure?.message).toContain("GetStepResult");
});

test("what is wrong in a request is refused by its name", async () => {
  const { taskUuid, ship: stepUuid } = await held();
  const right = { taskUuid, stepUuid, actionType: Action.RESOLVE_MANUALLY };
  const completed = { ...right, actionType: Action.COMPLETE_MANUALLY };
  const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["task_uuid", () => steps().listSteps({ taskUuid: "7" }, mine)],
    ["task_uuid", () => steps().getStep({ stepUuid }, mine)],
    ["step_uuid", () => steps().getStep({ taskUuid, stepUuid: "pack" }, mine)],
    ["step_uuid", () => steps().getStepAudit({ taskUuid }, mine)],
    ["action_type", () => steps().resolveStep({ taskUuid, stepUuid }, mine)],
    ["action_type", () => steps().resolveStep({ ...right, actionType: 9 as Action }, mine)],
    ["result", () => steps().resolveStep({ ...right, result: {} }, mine)],
    ["result", () => steps().resolveStep({ ...completed, result: { n: Number.NaN } }, mine)],
    ["metadata", () => steps().resolveStep({ ...right, metadata: { ticket: 7 } }, mine)],
    ["reason", () => steps().resolveStep({ ...right, reason: "x".repeat(1 << 20) }, mine)],
  ];
  for (const [field, ask] of refused) {
    expect(await failureOf(ask()), field).toMatchObject({ code: Code.InvalidArgument, field });
  }
  expect(await failureOf(steps().resolveStep({ ...right, result: {} }, mine))).toMatchObject({
    message: expect.stringContaining("COMPLETE_MANUALLY only"),
  });
  expect((await steps().getStep({ taskUuid, stepUuid }, mine)).step?.state).toBe(StepState.ERROR);
});

test("a Step that there is not is not found, and one of another namespace in the words of no Task", async () => {
  const { taskUuid, ship: stepUuid } = await held();
  expect(await failureOf(steps().getStep({ taskUuid, stepUuid: UNKNOWN }, mine))).toMatchObject({
    code: Code.NotFound,
    reason: "STEP_NOT_FOUND",
  });
  const words = async (id: string) => {
    const asked = [
      steps().getStep({ taskUuid: id, stepUuid }, theirs),
      steps().listSteps({ taskUuid: id }, theirs),
      steps().resolveStep({ taskUuid: id, stepUuid, actionType: Action.RESOLVE_MANUALLY }, theirs),
      steps().getStepAudit({ taskUuid: id, stepUuid }, theirs),
    ];
    const failures = await Promise.all(asked.map(failureOf));
    return failures.map((failure) => [failure?.code, failure?.message.replace(id, "ID")]);
  };
  const foreign = await words(taskUuid);
  expect(foreign).toEqual(await words(UNKNOWN));
  expect(foreign.every(([code]) => code === Code.NotFound)).toBe(true);
});
