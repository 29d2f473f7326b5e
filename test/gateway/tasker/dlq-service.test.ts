/** Dead letters by `tasker.v1`, over a real plane. */
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "#limits/index";
import { TaskState } from "#wire/gen/tasker/v1/common_pb";
import {
  DlqReason,
  DlqResolutionStatus,
  DlqService,
  StalenessHealthStatus,
} from "#wire/gen/tasker/v1/dlq_pb";
import { StepManualActionType, StepService } from "#wire/gen/tasker/v1/steps_pb";
import { TaskService } from "#wire/gen/tasker/v1/tasks_pb";
import { DeadLetterService, DeadLetterStatus } from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { agent } from "#worker/index";
import { failureOf, mine, openTaskerWorld, type TaskerWorld, theirs } from "./world.js";

let world: TaskerWorld;
const failed: string[] = [];
let waiting = "";
const dlq = () => world.client(DlqService);
const { PENDING, MANUALLY_RESOLVED, PERMANENTLY_FAILED, CANCELLED } = DlqResolutionStatus;

beforeAll(async () => {
  world = await openTaskerWorld();
  const source = (name: string) =>
    `name: ${name}\nnamespace_name: mine\nversion: 1.0.0\nsteps: [{ name: pack, handler: { callable: ${name} }, retry: { max_attempts: 1 } }]\n`;
  await world.register(source("breaker"));
  await world.register(source("nobody"));
  await world.register(`${source("breaker").replace("name: breaker", "name: holds")}hold_on_failure: true\n`);
  await world.serve([
    agent({
      name: "breaker",
      run: async () => {
        throw new Error("the tape is out");
      },
    }),
  ]);
  const tasks = world.client(TaskService);
  const create = async (name: string) =>
    (await tasks.createTask({ name, namespace: "mine" }, mine)).task?.taskUuid ?? "";
  for (let i = 0; i < 3; i++) {
    const taskUuid = await create("breaker");
    for await (const _ of tasks.streamTaskStatus({ taskUuid }, mine));
    failed.push(taskUuid);
  }
  waiting = await create("nobody");
});
afterAll(() => world.stop());

test("an entry has its Task, why it is there, and what is known of the Task as it was then", async () => {
  const [taskUuid = ""] = failed;
  const { entry } = await dlq().getEntryByTask({ taskUuid }, mine);
  expect(entry).toMatchObject({
    dlqEntryUuid: taskUuid,
    taskUuid,
    originalState: "error",
    dlqReason: DlqReason.MAX_RETRIES_EXCEEDED,
    resolutionStatus: PENDING,
    taskSnapshot: {
      task_uuid: taskUuid,
      namespace: "mine",
      task_name: "breaker",
      step_name: "pack",
      attempts: 1,
    },
  });
  expect([entry?.resolutionTimestamp, entry?.resolvedBy, entry?.metadata]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(entry?.createdAt).toEqual(entry?.dlqTimestamp);
  expect(await failureOf(dlq().getEntryByTask({ taskUuid: waiting }, mine))).toMatchObject({
    code: Code.NotFound,
  });
});

test("what was found out is written down, with who says so; entries are listed by what became of them", async () => {
  const [first = "", second = ""] = failed;
  const words = { resolutionNotes: "the tape was bought", resolvedBy: "ann" };
  const update = { dlqEntryUuid: first, resolutionStatus: MANUALLY_RESOLVED, ...words };
  expect(await dlq().updateInvestigation(update, mine)).toMatchObject({ success: true, dlqEntryUuid: first });
  await world.client(DeadLetterService).redriveDeadLetter({ taskId: second }, mine);

  const list = async (request: object) =>
    (await dlq().listEntries(request, mine)).entries.map(({ taskUuid }) => failed.indexOf(taskUuid));
  expect(await list({ resolutionStatus: PENDING })).toEqual([2]);
  expect(await list({ resolutionStatus: MANUALLY_RESOLVED })).toEqual([1, 0]);
  expect(await list({ resolutionStatus: MANUALLY_RESOLVED, limit: 1, offset: 1 })).toEqual([0]);
  expect(await list({ resolutionStatus: MANUALLY_RESOLVED, limit: 1 })).toEqual([1]);
  expect(await list({ resolutionStatus: CANCELLED })).toEqual([]);
  const { entry } = await dlq().getEntryByTask({ taskUuid: first }, mine);
  expect(entry).toMatchObject({ resolutionNotes: "ann: the tape was bought", resolvedBy: "jwt:mine" });
  expect(entry?.resolutionTimestamp).toBeDefined();

  // A name alone is a note.
  await dlq().updateInvestigation({ dlqEntryUuid: first, resolvedBy: "bob" }, mine);
  expect((await dlq().getEntryByTask({ taskUuid: first }, mine)).entry).toMatchObject({
    resolutionNotes: "bob",
    resolutionStatus: MANUALLY_RESOLVED,
  });
});

test("one whose Task has gone on counts as resolved, too", async () => {
  const { task } = await world.client(TaskService).createTask({ name: "holds", namespace: "mine" }, mine);
  const taskUuid = task?.taskUuid ?? "";
  for await (const { taskState } of world.client(TaskService).streamTaskStatus({ taskUuid }, mine)) {
    if (taskState !== TaskState.BLOCKED_BY_FAILURES) continue;
    const { entry } = await dlq().getEntryByTask({ taskUuid }, mine);
    expect(entry).toMatchObject({ dlqReason: DlqReason.MANUAL_DLQ, resolutionStatus: PENDING });
    const [step] = (await world.client(StepService).listSteps({ taskUuid }, mine)).steps;
    const request = {
      taskUuid,
      stepUuid: step?.stepUuid ?? "",
      actionType: StepManualActionType.COMPLETE_MANUALLY,
    };
    await world.client(StepService).resolveStep(request, mine);
  }
  const { deadLetters } = await world.client(DeadLetterService).listDeadLetters({}, mine);
  expect(deadLetters.find(({ taskId }) => taskId === taskUuid)?.status).toBe(DeadLetterStatus.MOVED_ON);
  const { entries } = await dlq().listEntries({ resolutionStatus: MANUALLY_RESOLVED }, mine);
  expect(entries.map((each) => each.taskUuid)).toContain(taskUuid);
});

test("numbers, the queue and how Tasks rest are those of the dead letters", async () => {
  const { stats } = await dlq().getStats({}, mine);
  const { MAX_RETRIES_EXCEEDED, MANUAL_DLQ } = DlqReason;
  expect(stats.map(({ dlqReason }) => dlqReason)).toEqual([MAX_RETRIES_EXCEEDED, MANUAL_DLQ]);
  expect(stats[0]?.totalEntries).toBeGreaterThanOrEqual(3n);
  expect(stats[1]).toMatchObject({ totalEntries: 1n, pending: 0n, manuallyResolved: 1n });
  const { entries: queue } = await dlq().getInvestigationQueue({ limit: 1 }, mine);
  expect(queue).toMatchObject([{ namespaceName: "mine", taskName: "breaker", currentState: "error" }]);
  expect(queue[0]?.priorityScore).toBeGreaterThan(0);
  const { entries } = await dlq().getStalenessMonitoring({ limit: 100 }, mine);
  expect(entries.find(({ taskUuid }) => taskUuid === waiting)).toMatchObject({
    taskName: "nobody",
    namespaceName: "mine",
    healthStatus: StalenessHealthStatus.HEALTHY,
    timeInStateMinutes: 0,
  });
});

test.each([
  ["task_uuid", () => dlq().getEntryByTask({ taskUuid: "7" }, mine)],
  ["dlq_entry_uuid", () => dlq().updateInvestigation({ resolutionStatus: PERMANENTLY_FAILED }, mine)],
  ["resolution_status", () => dlq().listEntries({ resolutionStatus: 9 as DlqResolutionStatus }, mine)],
  ["limit", () => dlq().listEntries({ limit: limits.deadLettersPage + 1 }, mine)],
  ["offset", () => dlq().listEntries({ offset: -1 }, mine)],
  ["limit", () => dlq().getInvestigationQueue({ limit: 0 }, mine)],
  ["limit", () => dlq().getStalenessMonitoring({ limit: limits.stalePage + 1 }, mine)],
  ["metadata", () => dlq().updateInvestigation({ dlqEntryUuid: waiting, metadata: { ticket: 7 } }, mine)],
  ["resolution_status", () => dlq().updateInvestigation({ dlqEntryUuid: failed[2] ?? "" }, mine)],
  [
    "resolution_notes",
    () =>
      dlq().updateInvestigation(
        { dlqEntryUuid: failed[2] ?? "", resolutionNotes: "x".repeat(1 << 20) },
        mine,
      ),
  ],
])("%s is refused by name", async (field, ask) => {
  expect(await failureOf(ask())).toMatchObject({ code: Code.InvalidArgument, field });
});

test("dead letters of another namespace are nowhere", async () => {
  const [taskUuid = ""] = failed;
  expect((await dlq().listEntries({}, theirs)).entries).toEqual([]);
  expect((await dlq().getStats({}, theirs)).stats).toEqual([]);
  expect((await dlq().getInvestigationQueue({}, theirs)).entries).toEqual([]);
  expect((await dlq().getStalenessMonitoring({}, theirs)).entries).toEqual([]);
  expect(await failureOf(dlq().getEntryByTask({ taskUuid }, theirs))).toMatchObject({ code: Code.NotFound });
  const update = { dlqEntryUuid: taskUuid, resolutionStatus: CANCELLED };
  expect(await failureOf(dlq().updateInvestigation(update, theirs))).toMatchObject({ code: Code.NotFound });
});
