/** Our rows and views as Tasker shows them, and its words as ours. */
import { expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import { runSummary } from "#domain/task/run";
import { stepSummary } from "#domain/task/step";
import type { StepCounts, TaskState } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { instant, NEVER } from "#domain/time/time";
import { auditShapes } from "#gateway/tasker/shapes/audit-shape";
import { labelsOf, notesIn } from "#gateway/tasker/shapes/labels";
import { newTaskFields } from "#gateway/tasker/shapes/new-task-input";
import { taskStateOf } from "#gateway/tasker/shapes/states";
import { stepShapes } from "#gateway/tasker/shapes/step-shape";
import { stepMeant, stepUuid } from "#gateway/tasker/shapes/step-uuid";
import { summaryShape } from "#gateway/tasker/shapes/summary-shape";
import { executionFigures, taskShape } from "#gateway/tasker/shapes/task-shape";
import { limits } from "#limits/index";
import { deadLetter, run, spec, step, task } from "#testing/rows";

const id = "0196f000-0000-7000-8000-000000000001" as TaskId;
const now = instant(20_000);

/** A Task of a template: one Step done, one that waits for its second attempt, one that waits for that. */
function halfDone(): TaskView {
  const steps = [
    step(id, {
      name: "pack",
      state: "complete",
      attempts: 1,
      startedAt: instant(2_000),
      finishedAt: instant(3_000),
    }),
    step(id, {
      name: "ship",
      state: "waiting_for_retry",
      dependsOn: ["pack"],
      attempts: 1,
      maxAttempts: 3,
      startedAt: instant(4_000),
      nextAttemptAt: instant(25_000),
    }),
    step(id, { name: "bill", state: "pending", dependsOn: ["pack", "ship"], maxAttempts: 3 }),
  ];
  const failed = run("run-2" as RunId, id, {
    stepName: "ship",
    status: "FAILED",
    startedAt: instant(4_500),
    finishedAt: instant(6_000),
    reason: "AGENT_ERROR",
  });
  return {
    task: task(id, {
      namespace: "orders",
      state: "waiting_for_retry",
      counts: { complete: 1, waiting_for_retry: 1, pending: 1 },
      hasRun: true,
      spec: spec({
        agentName: "",
        template: { namespace: "orders", name: "fulfil", version: "1.0.0" },
        createdBy: "shop",
        labels: { colour: "red", ...labelsOf({ sourceSystem: "web", reason: "order", tags: ["vip", "eu"] }) },
      }),
    }),
    input: '{"order": 12345678901234567890}',
    steps: steps.map(stepSummary),
    results: new Map([["pack", '{"boxes":1}']]),
    runs: [runSummary(failed)],
  };
}

test("a Task has its template's name, what was said of it, and what its Steps amount to", () => {
  expect(taskShape(halfDone())).toEqual({
    taskUuid: id,
    name: "fulfil",
    version: "1.0.0",
    namespace: "orders",
    state: "waiting_for_retry",
    createdAt: 1_000,
    updatedAt: 6_000,
    completedAt: NEVER,
    context: '{"order": 12345678901234567890}',
    initiator: "shop",
    sourceSystem: "web",
    reason: "order",
    priority: 0,
    tags: ["vip", "eu"],
    correlationId: id,
    parentCorrelationId: "",
    totalSteps: 3,
    pendingSteps: 2,
    inProgressSteps: 0,
    completedSteps: 1,
    failedSteps: 0,
    readySteps: 0,
    executionStatus: "waiting_for_dependencies",
    recommendedAction: "wait_for_dependencies",
    healthStatus: "recovering",
    completionPercentage: 33.33,
  });
});

test("a Task without a template has the name of its agent, and no version", () => {
  expect(taskShape({ task: task(id) })).toMatchObject({ name: "echo", version: "", context: "" });
});

test("each kind of Task has its execution status, with what to do about it", () => {
  const of = (state: TaskState, counts: StepCounts, tolerated = 0) =>
    executionFigures(task(id, { state, counts, tolerated }));
  const cases = [
    of("pending", { pending: 2 }),
    of("enqueuing_steps", { enqueued: 1, pending: 1 }),
    of("steps_in_process", { in_progress: 1, error: 1 }, 1),
    of("blocked_by_failures", { error: 1 }),
    of("complete", { complete: 2 }),
    of("resolved_manually", { complete: 1, cancelled: 1 }),
    of("error", { error: 1, cancelled: 1 }),
    of("cancelled", { cancelled: 2 }),
  ];
  const lines = cases.map((each) => Object.values(each).join(" "));
  expect(lines).toMatchInlineSnapshot(`
    [
      "waiting_for_dependencies wait_for_dependencies healthy 0",
      "has_ready_steps execute_ready_steps healthy 0",
      "processing wait_for_completion recovering 0",
      "blocked_by_failures handle_failures blocked 0",
      "all_complete  healthy 100",
      "all_complete  healthy 50",
      "blocked_by_failures handle_failures blocked 0",
      "cancelled  unknown 0",
    ]
  `);
});

test("a Step says whether it may run, which of its parents are done, and when it is tried again", () => {
  const [pack, ship, bill] = stepShapes(halfDone(), now);
  expect(pack).toMatchObject({ results: '{"boxes":1}', completedAt: 3_000, retryEligible: false });
  expect(ship).toEqual({
    stepUuid: stepUuid(id, "ship"),
    taskUuid: id,
    name: "ship",
    state: "waiting_for_retry",
    createdAt: 1_000,
    updatedAt: 6_000,
    completedAt: NEVER,
    results: "",
    dependenciesSatisfied: true,
    retryEligible: true,
    readyForExecution: false,
    totalParents: 1,
    completedParents: 1,
    attempts: 1,
    maxAttempts: 3,
    lastFailureAt: 6_000,
    nextRetryAt: 25_000,
    lastAttemptedAt: 4_500,
    backoffRequestSeconds: 19,
  });
  expect(bill).toMatchObject({ dependenciesSatisfied: false, totalParents: 2, completedParents: 1 });
});

test("a Step is ready from its next attempt on, and not before", () => {
  const view = (nextAttemptAt: number): TaskView => ({
    task: task(id),
    steps: [stepSummary(step(id, { nextAttemptAt: instant(nextAttemptAt) }))],
  });
  const ready = [NEVER, 20_000, 20_001].map((at) => stepShapes(view(at), now)[0]?.readyForExecution);
  expect(ready).toEqual([true, true, false]);
});

test("a Step's UUID is version 5 of its Task and name, and leads back to it", () => {
  const uuid = stepUuid(id, "ship");
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // Clients keep it: it must be the same in every release.
  expect(uuid).toMatchInlineSnapshot(`"62a7267f-acb1-5c33-8be3-2feddaa04ff7"`);
  const steps = [{ name: "pack" }, { name: "ship" }];
  expect(stepMeant(id, steps, uuid.toUpperCase())?.name).toBe("ship");
  expect(stepMeant(id, steps, "pack")?.name).toBe("pack");
  expect(stepMeant("another", steps, uuid)).toBeUndefined();
});

test("what has no field of its own is kept in labels, and read from them again", () => {
  const notes = {
    sourceSystem: "web",
    reason: "order",
    parentCorrelationId: "c-1",
    requestedAt: "2026-01-01T00:00:00Z",
    tags: ["vip", "eu"],
  };
  const labels = labelsOf(notes);
  expect(labels).toEqual({
    "tasker.source_system": "web",
    "tasker.reason": "order",
    "tasker.parent_correlation_id": "c-1",
    "tasker.requested_at": "2026-01-01T00:00:00Z",
    "tasker.tag.vip": "",
    "tasker.tag.eu": "",
  });
  expect(notesIn({ colour: "red", ...labels })).toEqual(notes);
  expect(notesIn({})).toMatchObject({ sourceSystem: "", tags: [] });
});

test("what does not fit into labels is refused by its name in Tasker", () => {
  const long = "x".repeat(limits.labelBytes + 1);
  expect(() => labelsOf({ reason: long })).toThrow(/^reason is 257 bytes long/);
  expect(() => labelsOf({ tags: [long] })).toThrow(/^tags is .* bytes long, with "tasker.tag." before it/);
  expect(() => labelsOf({ tags: [""] })).toThrow(/^tags has an empty one/);
  expect(() => labelsOf({ tags: Array.from({ length: 65 }, (_, i) => `t${i}`) })).toThrow(/^tags has 65/);
});

test("a request of Tasker is one for a Task of a template, in its namespace", () => {
  const asked = {
    ...{ name: "fulfil", namespace: "orders", version: "", context: '{"a":1}', initiator: "shop" },
    ...{ priority: 5, correlationId: "c", idempotencyKey: "k" },
    ...{ sourceSystem: "web", reason: "", parentCorrelationId: "", requestedAt: "", tags: [] },
  };
  expect(newTaskFields(asked)).toMatchObject({
    template: { namespace: "orders", name: "fulfil", version: "" },
    namespace: "orders",
    inputJson: '{"a":1}',
    createdBy: "shop",
    labels: { "tasker.source_system": "web" },
    priority: 5,
  });
  expect(() => newTaskFields({ ...asked, name: "" })).toThrow(/^name is required/);
});

test("the words of states are known in any case, and the older one of Tasker too", () => {
  expect(["complete", "ERROR", "in_progress", "done"].map(taskStateOf)).toEqual([
    "complete",
    "error",
    "steps_in_process",
    undefined,
  ]);
});

test("an audit has the Runs that have ended and what was done by hand, newest first", () => {
  const done = run("run-1" as RunId, id, {
    status: "COMPLETED",
    startedAt: instant(2_500),
    finishedAt: instant(3_000),
  });
  const live = run("run-2" as RunId, id, { status: "RUNNING", startedAt: instant(9_000) });
  const action = { at: instant(4_000), actor: "key:ann", type: "complete", reason: "seen" } as const;
  const shapes = auditShapes(
    [
      { type: "run", at: done.createdAt, run: runSummary(done) },
      { type: "action", at: action.at, action, ofTask: false },
      { type: "run", at: live.createdAt, run: runSummary(live) },
    ],
    { taskId: id, stepName: "main", correlationId: "" },
  );
  expect(shapes).toMatchObject([
    {
      toState: "complete",
      success: true,
      actor: "key:ann",
      reason: "seen",
      workerUuid: "",
      recordedAt: 4_000,
    },
    {
      auditUuid: "run-1",
      toState: "enqueued_for_orchestration",
      fromState: "in_progress",
      success: true,
      executionTimeMs: 500,
      workerUuid: "w1",
      recordedAt: 3_000,
      correlationId: id,
    },
  ]);
  expect(new Set(shapes.flatMap((each) => [each.auditUuid, each.transitionUuid])).size).toBe(4);
});

test("of what happened in one millisecond the later one is the newer one in an audit", () => {
  const failed = run("run-1" as RunId, id, { status: "FAILED", finishedAt: instant(4_000) });
  const did = (type: "retry" | "complete") => {
    const action = { at: instant(4_000), actor: "key:ann", type, reason: "" } as const;
    return { type: "action", at: action.at, action, ofTask: false } as const;
  };
  const shapes = auditShapes(
    [{ type: "run", at: failed.createdAt, run: runSummary(failed) }, did("retry"), did("complete")],
    { taskId: id, stepName: "main", correlationId: "" },
  );
  expect(shapes.map(({ toState }) => toState)).toEqual([
    "complete",
    "pending",
    "enqueued_as_error_for_orchestration",
  ]);
});

test("a summary has what failed, what its Steps were made of, and where to look on", () => {
  const { task: shown, plannedSteps, steps, dlq, links } = summaryShape(halfDone(), undefined, now);
  expect(shown.name).toBe("fulfil");
  expect(plannedSteps[1]).toEqual({
    name: "ship",
    stepType: "standard",
    handler: "echo",
    dependencies: ["pack"],
    retryable: true,
    maxAttempts: 3,
  });
  expect(steps.map(({ error }) => error)).toEqual([
    undefined,
    { errorType: "AGENT_ERROR", retryable: true },
    undefined,
  ]);
  expect(dlq).toEqual({ inDlq: false });
  expect(links).toEqual({
    task: `/v1/tasks/${id}`,
    steps: `/v1/tasks/${id}/workflow_steps`,
    dlq: `/v1/dlq/task/${id}`,
  });
  expect(summaryShape(halfDone(), deadLetter(id), now).dlq).toEqual({
    inDlq: true,
    dlqReason: "max_retries_exceeded",
    resolutionStatus: "pending",
  });
});
