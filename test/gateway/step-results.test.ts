import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stepKey, type TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import { run, runId, spec, step, stepSpec, task } from "#testing/rows";
import { RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;
const id = "t" as TaskId;

/** one → two → three, and aside, which nobody follows. */
beforeAll(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
  const steps = [
    step(id, { name: "one", outputBytes: 1 }),
    step(id, { name: "aside", outputBytes: 1 }),
    step(id, { name: "two", dependsOn: ["one"] }),
    step(id, { name: "three", dependsOn: ["two"] }),
  ];
  opened.plane.details.set(id, { task: task(id), input: "{}", steps, runs: [] });
  for (const stepName of ["one", "aside"]) opened.plane.outputs.set(stepKey({ taskId: id, stepName }), "1");
});

afterAll(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

async function read(stepName: string, part: Partial<RunRow> = {}, fence = 3): Promise<string> {
  const row = run(runId(1), id, { stepName: "three", fence: 3, ...part });
  opened.plane.runs.set(row.id, row);
  const { getStepResult } = RunService.method;
  const request = create(getStepResult.input, { runId: row.id, fence, stepName });
  const { answers, error } = await mount.call(getStepResult, [request]);
  return error
    ? `${error.code} ${error.reason}: ${error.message}`
    : JSON.stringify(answers[0], (_, value) => (typeof value === "bigint" ? Number(value) : value));
}

test("a Run reads the results of all that had to be done before its Step", async () => {
  expect(await read("one")).toBe(
    '{"$typeName":"taskrun.v1.GetStepResultResponse","outputJson":"1","outputBytes":1}',
  );
});

test.each<[string, string, Partial<RunRow>, number, string]>([
  [
    "a Step that was done beside it",
    "aside",
    {},
    3,
    '5 STEP_NOT_FOUND: Step "aside" is none that must be done before Step "three" of Task t.',
  ],
  [
    "its own Step",
    "three",
    {},
    3,
    '5 STEP_NOT_FOUND: Step "three" is none that must be done before Step "three" of Task t.',
  ],
  ["a Step without a result", "two", {}, 3, '5 NO_RESULT: Step "two" of Task t has no result.'],
  [
    "with an old fence",
    "one",
    {},
    2,
    "9 FENCE_OUTDATED: fence 2 is not that of Run run-0001, which is 3: it was given to somebody else since.",
  ],
  [
    "after its end",
    "one",
    { status: "CANCELLED" },
    3,
    "9 RUN_ENDED: Run run-0001 is CANCELLED: only one that has not ended reads results.",
  ],
  ["as somebody else", "one", { principal: "mallory" }, 3, "5 RUN_NOT_FOUND: Run not found: run-0001"],
])("a Run that reads %s is refused", async (_, stepName, part, fence, refused) => {
  expect(await read(stepName, part, fence)).toBe(refused);
});

test("a Run that there is not is refused by its id", async () => {
  const { getStepResult } = RunService.method;
  const request = create(getStepResult.input, { runId: "nope", fence: 1, stepName: "one" });

  expect((await mount.call(getStepResult, [request])).error).toMatchObject({
    code: 5,
    message: "Run not found: nope",
  });
});

type Method = typeof TaskService.method.signalTask | typeof TaskService.method.resolveStep;

async function say(method: Method, fields: Record<string, unknown>): Promise<string> {
  const { error } = await mount.call(method, [create(method.input as never, fields as never)]);
  return error ? `${error.code} ${error.fields.join()}: ${error.message}` : "accepted";
}

const { signalTask, resolveStep } = TaskService.method;

test("what is said about a Step that waits or has failed is told to the plane", async () => {
  opened.plane.said.length = 0;
  const told = [
    await say(signalTask, { id, signal: "approve", payloadJson: '{"by":"me"}' }),
    await say(signalTask, { id, signal: "approve" }),
    await say(resolveStep, { taskId: id, stepName: "one", action: 1 }),
    await say(resolveStep, { taskId: id, action: 2 }),
    await say(resolveStep, { taskId: id, stepName: "one", action: 3, resultJson: "7" }),
  ];

  expect(told).toEqual(Array(5).fill("accepted"));
  expect(opened.plane.said).toEqual([
    { taskId: id, signal: "approve", payload: '{"by":"me"}' },
    { taskId: id, signal: "approve", payload: "null" },
    { taskId: id, stepName: "one", action: { type: "retry" } },
    { taskId: id, stepName: "", action: { type: "resolve" } },
    { taskId: id, stepName: "one", action: { type: "complete", output: "7" } },
  ]);
});

test.each<[string, Method, Record<string, unknown>, string]>([
  [
    "a signal without a name",
    signalTask,
    { id },
    "3 signal: signal is required: send what the Task's template calls the signal.",
  ],
  [
    "a payload that is no JSON",
    signalTask,
    { id, signal: "s", payloadJson: "yes" },
    '3 payload_json: payload_json is not JSON: unexpected "y" at line 1, column 1. Send valid JSON text.',
  ],
  ["a signal to nobody", signalTask, { id: "nope", signal: "s" }, "5 : Task not found: nope"],
  [
    "a decision that is none",
    resolveStep,
    { taskId: id, stepName: "one" },
    "3 action: action is 0; send RESET_FOR_RETRY, RESOLVE_MANUALLY or COMPLETE_MANUALLY.",
  ],
  [
    "a decision about no Step",
    resolveStep,
    { taskId: id, action: 1 },
    "3 step_name: step_name is required: name the Step; only RESOLVE_MANUALLY may mean the whole Task.",
  ],
  [
    "a result nobody takes",
    resolveStep,
    { taskId: id, stepName: "one", action: 2, resultJson: "1" },
    "3 result_json: result_json is taken with COMPLETE_MANUALLY only: send that action, or no result.",
  ],
])("%s is refused", async (_, method, fields, refused) => {
  expect(await say(method, fields)).toBe(refused);
});

test("a Run of a segment of a map reads the results of Steps before the map, in the Task above", async () => {
  const of = "segment" as TaskId;
  const segment = { first: 0, count: 1, digits: 3 };
  const map = { over: "results/one", concurrency: 1, failure: "fail_fast" } as const;
  const member = { group: "each", index: 0, concurrency: 1, failure: "fail_fast" } as const;
  const above = [
    step(id, { name: "one", outputBytes: 1 }),
    step(id, { name: "aside", outputBytes: 1 }),
    step(id, {
      name: "each",
      dependsOn: ["one", "each_000-000"],
      members: ["each_000-000"],
      spec: stepSpec({ type: "map", map }),
    }),
    step(id, { name: "each_000-000", childId: of, spec: stepSpec({ type: "child_task", segment, member }) }),
  ];
  const below = [
    step(of, {
      name: "each",
      dependsOn: ["each_000"],
      members: ["each_000"],
      spec: stepSpec({ type: "map", map, segment }),
    }),
    step(of, { name: "each_000", spec: stepSpec({ member }) }),
  ];
  const parent = { taskId: id, stepName: "each_000-000" };
  opened.plane.details.set(id, { task: task(id), input: "{}", steps: above, runs: [] });
  opened.plane.details.set(of, {
    task: task(of, { spec: spec({ parent }) }),
    input: "{}",
    steps: below,
    runs: [],
  });
  const inSegment = { taskId: of, stepName: "each_000" };
  expect(await read("one", inSegment)).toContain('"outputJson":"1"');
  expect(await read("aside", inSegment)).toContain("STEP_NOT_FOUND");
});
