import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { NO_PAUSES } from "#domain/pause/pause-set";
import type { LogEntry } from "#domain/task/log";
import { type ModelBackend, type RunSummary, runStatuses } from "#domain/task/run";
import { stepStates } from "#domain/task/step";
import { taskStates } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import { type WorkerView, workerStatuses } from "#domain/worker/worker";
import { spec, task, template } from "#testing/rows";
import {
  resolveActionFromWire,
  resolveActionToWire,
  runStatusFromWire,
  runStatusToWire,
  stepStateToWire,
  taskStateToWire,
  taskStatusFromWire,
  taskStatusToWire,
  workerStatusFromWire,
  workerStatusToWire,
} from "#wire/convert-enums";
import { taskEvent } from "#wire/convert-event";
import { serverMessage } from "#wire/convert-frame";
import { outputFromWire, yieldFromWire } from "#wire/convert-report";
import { runToWire, stepToWire, taskToWire } from "#wire/convert-task";
import { templateToWire, wholeTemplateToWire } from "#wire/convert-template";
import { modelBackendFromWire, modelBackendToWire, workerToWire } from "#wire/convert-worker";
import { RunOutputChunkSchema, RunYieldSchema } from "#wire/gen/taskrun/v1/run_service_pb";
import {
  RunSummarySchema,
  StepSchema,
  TaskEventSchema,
  TaskSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateSchema } from "#wire/gen/taskrun/v1/template_service_pb";
import { WorkerSchema } from "#wire/gen/taskrun/v1/worker_service_pb";

const backend: ModelBackend = {
  provider: "builtin",
  modelName: "rules",
  contextWindow: 7,
  supportsStreaming: true,
  modalities: ["text"],
  tools: ["grep"],
  metadata: { a: "b" },
};

const row = task("t" as TaskId, {
  namespace: "ns",
  state: "error",
  hasRun: true,
  createdAt: instant(1),
  finishedAt: instant(2),
  reason: "TIMEOUT",
  errorMessage: "too late",
  compensatedBy: "undoing" as TaskId,
  spec: spec({
    agentName: "a",
    priority: -5,
    timeoutMs: millis(6),
    maxAttempts: 7,
    maxLosses: 0,
    labels: { l: "1" },
    workerSelector: { s: "2" },
    createdBy: "me",
    correlationId: "c",
    startAt: instant(8),
    retryOf: "old" as TaskId,
    template: { namespace: "orders", name: "fulfil", version: "1.2.0" },
    parent: { taskId: "p" as TaskId, stepName: "ship" },
    compensates: "undone" as TaskId,
  }),
});

const run: RunSummary = {
  id: "r" as RunId,
  workerId: "w" as WorkerId,
  status: "FAILED",
  startedAt: instant(3),
  finishedAt: instant(4),
  backend,
  errorMessage: "no",
  attempt: 2,
  stepName: "main",
  reason: "AGENT_ERROR",
  fence: 5,
};

const step = {
  name: "main",
  state: "waiting_for_retry",
  agentName: "a",
  attempts: 1,
  maxAttempts: 2,
  losses: 1,
  maxLosses: 4,
  nextAttemptAt: instant(9),
  outputBytes: 2,
  errorMessage: "again",
  dependsOn: ["first"],
  type: "child_task",
  startedAt: instant(5),
  finishedAt: instant(6),
  childId: "c" as TaskId,
} as const;

test("words of the domain have the wire's numbers, in its order, and are read back", () => {
  const inOrder = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

  expect(taskStates.map((state) => taskStateToWire[state])).toEqual(inOrder(12));
  expect(stepStates.map((state) => stepStateToWire[state])).toEqual(inOrder(10));
  expect(runStatuses.map((status) => runStatusToWire[status])).toEqual(inOrder(6));
  expect(workerStatuses.map((status) => workerStatusToWire[status])).toEqual(inOrder(4));
  for (const status of runStatuses) expect(runStatusFromWire(runStatusToWire[status])).toBe(status);
  for (const status of workerStatuses) expect(workerStatusFromWire(workerStatusToWire[status])).toBe(status);
  for (const action of ["retry", "resolve", "complete"] as const) {
    expect(resolveActionFromWire(resolveActionToWire[action])).toBe(action);
  }
  expect(taskStatusFromWire(taskStatusToWire.FAILED)).toBe("FAILED");
  expect(taskStatusFromWire(0)).toBeUndefined();
  expect(runStatusFromWire(99)).toBeUndefined();
});

const moment = { now: instant(1), pauses: NO_PAUSES };

test("a Task, a Step, a Run and a Worker come through the wire whole", () => {
  const view: WorkerView = {
    info: {
      workerId: "w" as WorkerId,
      hostname: "h",
      version: "v",
      agents: [{ name: "a", description: "d", labels: { x: "y" }, backends: [backend] }],
      labels: { l: "1" },
      namespaces: ["ns"],
    },
    status: "BUSY",
    activeRuns: 1,
    capacity: 2,
    lastHeartbeatAt: instant(3),
  };
  const parts = {
    input: "{}",
    output: "1",
    steps: [step],
    runs: [run],
    results: new Map([[step.name, "{}"]]),
  };
  const shown = taskToWire(row, moment, parts);

  expect(fromBinary(TaskSchema, toBinary(TaskSchema, shown))).toEqual(create(TaskSchema, shown));
  expect(fromBinary(StepSchema, toBinary(StepSchema, stepToWire(step, row, moment)))).toEqual(
    stepToWire(step, row, moment),
  );
  expect(fromBinary(RunSummarySchema, toBinary(RunSummarySchema, runToWire(run)))).toEqual(runToWire(run));
  expect(fromBinary(WorkerSchema, toBinary(WorkerSchema, workerToWire(view)))).toEqual(workerToWire(view));
  expect(modelBackendFromWire(modelBackendToWire(backend))).toEqual(backend);
  expect(shown).toMatchObject({
    status: taskStatusToWire.FAILED,
    priority: -5,
    startAtMs: 8n,
    retryOf: "old",
    template: { namespace: "orders", name: "fulfil", version: "1.2.0" },
    parentTaskId: "p",
    parentStepName: "ship",
    compensates: "undone",
    compensatedBy: "undoing",
    steps: [{ type: "child_task", startedAtMs: 5n, finishedAtMs: 6n, childTaskId: "c" }],
  });
});

test("a Task that names an agent has no template and belongs to no other", () => {
  const shown = taskToWire(task("t" as TaskId), moment);

  expect(shown).not.toHaveProperty("template");
  expect(shown).toMatchObject({ parentTaskId: "", parentStepName: "", compensates: "", compensatedBy: "" });
});

test("a template goes out whole, or without its text where it is one of many", () => {
  const row = template("fulfil", "1.2.0", { namespace: "orders" });

  expect(templateToWire(row)).toMatchObject({
    namespace: "orders",
    name: "fulfil",
    version: "1.2.0",
    stepCount: 1,
    registeredAtMs: 4_000n,
    digest: "fulfil 1.2.0",
    source: "",
    bodyJson: "",
  });
  expect(wholeTemplateToWire(row)).toMatchObject({ source: row.source, bodyJson: JSON.stringify(row.body) });
  const wire = wholeTemplateToWire(row);
  expect(fromBinary(TemplateSchema, toBinary(TemplateSchema, wire))).toEqual(wire);
});

test("an assignment tells which results came along, which are to be read, and who was passed over", () => {
  const frame = {
    type: "assign",
    runId: "r" as RunId,
    taskId: "t" as TaskId,
    stepName: "join",
    agentName: "a",
    input: "{}",
    labels: {},
    issuedAt: instant(1),
    deadlineAt: instant(0),
    attempt: 1,
    fence: 1,
    lease: millis(30_000),
    ordinal: 1,
    journalRecords: 0,
    results: { one: "1" },
    refs: ["large"],
    failed: ["broken"],
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    parts: "",
    bytes: 0,
  } as const;

  expect(serverMessage(frame).payload).toMatchObject({
    case: "assignRun",
    value: {
      dependencyResultsJson: { one: "1" },
      dependencyRefs: ["large"],
      failedDependencies: ["broken"],
      traceparent: frame.traceparent,
    },
  });
});

test("a checkpoint is read with its cursor and what was achieved", () => {
  const said = create(RunYieldSchema, { runId: "r", fence: 2, cursorJson: "5", outputJson: '{"done":5}' });

  expect(yieldFromWire(said, 1)).toEqual({
    type: "yield",
    runId: "r",
    fence: 2,
    cursor: "5",
    output: '{"done":5}',
  });
});

test("an event of a Task is the same whatever has become of its Steps since", () => {
  const at = instant(10);
  const line = { type: "task", at, state: "enqueuing_steps", hasRun: false, finishedAt: NEVER } as const;
  const entry: LogEntry = { ...line, reason: "", errorMessage: "" };
  const events = [{}, { enqueued: 1 }, { complete: 1 }].map((counts) =>
    taskEvent({ ...row, counts }, 1, entry),
  );
  expect(new Set(events.map((event) => JSON.stringify(toJson(TaskEventSchema, event)))).size).toBe(1);
});

test("every line of a log becomes an event of its kind", () => {
  const at = instant(10);
  const ofRun = { at, runId: "r" as RunId, sentAt: 11 };
  const changed = { state: "complete", hasRun: true, finishedAt: at, reason: "", errorMessage: "" } as const;
  const lines: readonly LogEntry[] = [
    { type: "task", at, ...changed },
    { type: "step", at, step },
    { type: "run", at, run },
    { type: "output", ...ofRun, fence: 1, seq: 0, content: "text", isFinal: true, metadata: {} },
    { type: "event", ...ofRun, id: "e", kind: 3, metadata: { tool: "grep" } },
    { type: "chat", ...ofRun, role: 2, content: "hi" },
  ];
  const events = lines.map((line, i) => taskEvent(row, i + 1, line, line.type === "task" ? "42" : ""));
  const read = events.map((event) => fromBinary(TaskEventSchema, toBinary(TaskEventSchema, event)));

  expect(read.map(({ seq }) => Number(seq))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(read.map(({ event }) => event)).toMatchObject([
    { case: "taskChanged", value: { id: "t", status: 3, outputJson: "42", errorMessage: "", priority: -5 } },
    { case: "stepChanged", value: { name: "main", nextAttemptAtMs: 9n, outputBytes: 2n } },
    { case: "runChanged", value: { runId: "r", reason: "AGENT_ERROR", fence: 5 } },
    { case: "output", value: { runId: "r", content: "text", isFinal: true, timestampMs: 11n } },
    { case: "runEvent", value: { id: "e", taskId: "t", eventType: 3 } },
    { case: "chatMessage", value: { runId: "r", message: { role: 2, content: "hi" } } },
  ]);
});

test("a number that cannot be counted exactly is refused by name", () => {
  const chunk = create(RunOutputChunkSchema, { runId: "r", seq: 2n ** 60n });

  expect(() => outputFromWire(chunk, 1)).toThrow(Fault);
  expect(() => outputFromWire(chunk, 1)).toThrow("seq is 1152921504606846976");
});

test("a fence of 0 means none from a public worker, and is a fence from ours", () => {
  const chunk = create(RunOutputChunkSchema, { runId: "r" });

  expect(outputFromWire(chunk, 0)).not.toHaveProperty("fence");
  expect(outputFromWire(chunk, 1)).toHaveProperty("fence", 0);
});
