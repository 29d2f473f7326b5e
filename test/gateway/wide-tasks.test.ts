import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunId, stepKey, type TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store";
import { run, step, stepSpec, task } from "#testing/rows";
import { type Task, type TaskEvent, TaskSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

const MIB = 1024 * 1024;

let opened: Opened;
let mount: Mount;
const id = "t" as TaskId;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

/** A Step that is complete with this result. */
function done(name: string, output: string, part: Partial<StepRow> = {}): StepRow {
  if (output !== "") opened.plane.outputs.set(stepKey({ taskId: id, stepName: name }), output);
  return step(id, { name, state: "complete", outputBytes: Buffer.byteLength(output), ...part });
}

async function shown(steps: readonly StepRow[], part: Partial<TaskDetail> = {}, state = "complete") {
  const row = task(id, { state: state as TaskRow["state"], hasRun: true, finishedAt: instant(9) });
  opened.plane.details.set(id, { task: row, input: "{}", steps, runs: [], ...part });
  const { getTask } = TaskService.method;
  const { answers, error } = await mount.call(getTask, [create(getTask.input, { id })]);
  if (error) throw new Error(error.message);
  return answers[0] as Task;
}

test("the result of a Task is that of the Step that comes last", async () => {
  const one = done("one", "1");

  expect((await shown([one, done("two", "2", { dependsOn: ["one"] })])).outputJson).toBe("2");
  expect((await shown([one, done("two", "", { dependsOn: ["one"] })])).outputJson).toBe("");
});

test("where several Steps come last the result is an object of theirs, by name", async () => {
  const steps = [done("one", "1"), done("left", "[2]", { dependsOn: ["one"] }), done('"right"', '{"a":3}')];

  expect((await shown(steps)).outputJson).toBe('{"left":[2],"\\"right\\"":{"a":3}}');
});

test("members of a map are shown, and the map's own result is the Task's", async () => {
  const member = { group: "each", index: 0, concurrency: 10, failure: "fail_fast" } as const;
  const members = ["each_000", "each_001"].map((name, index) =>
    done(name, `${index}`, { spec: stepSpec({ planned: "each", member: { ...member, index } }) }),
  );
  const names = members.map(({ name }) => name);
  const map = done("each", "[0,1]", { dependsOn: names, members: names, spec: stepSpec({ type: "map" }) });
  const whole = await shown([...members, map]);

  expect(whole.outputJson).toBe("[0,1]");
  expect(whole.steps.map(({ name, type, outputJson }) => [name, type, outputJson])).toEqual([
    ["each_000", "standard", "0"],
    ["each_001", "standard", "1"],
    ["each", "map", "[0,1]"],
  ]);
});

test("a Task that has not completed has no result, whatever its Steps have", async () => {
  const whole = await shown([done("one", "1")], {}, "error");

  expect(whole.outputJson).toBe("");
  expect(whole.steps[0]?.outputJson).toBe("1");
});

test("the last event of a watch has the result, and what undoes the Task", async () => {
  await shown([done("one", "1"), done("two", "2")]);
  const detail = opened.plane.details.get(id);
  if (!detail) throw new Error("the plane has lost the Task");
  opened.plane.details.set(id, { ...detail, task: { ...detail.task, compensatedBy: "undoing" as TaskId } });
  const { state, hasRun, finishedAt, reason, errorMessage } = detail.task;
  const at = instant(9);
  const entry = { type: "task", at, state, hasRun, finishedAt, reason, errorMessage } as const;
  opened.plane.logs.set(id, [{ ...entry, state: "steps_in_process" }, entry]);
  const { watchTask } = TaskService.method;
  const { answers } = await mount.call(watchTask, [create(watchTask.input, { id })]);
  const events = answers as unknown as TaskEvent[];

  expect(events.map(({ event }) => event.value)).toMatchObject([
    { outputJson: "" },
    { outputJson: '{"one":1,"two":2}', compensatedBy: "undoing" },
  ]);
});

/** A Task as large as its parts may be: a thousand Steps, ten thousand edges, long words, many tries. */
function largest(nameBytes: number): {
  readonly steps: readonly StepRow[];
  readonly detail: Partial<TaskDetail>;
} {
  const long = "x".repeat(limits.idBytes);
  const names = Array.from({ length: limits.taskSteps }, (_, i) => `${i}_${long}`.slice(0, nameBytes));
  const edges = limits.taskEdges / limits.taskSteps;
  const output = `"${"o".repeat(4_000)}"`;
  const errorMessage = "e".repeat(limits.errorMessageBytes);
  const steps = names.map((name, i) =>
    done(name, i === names.length - 1 ? `"${"r".repeat(MIB - 2)}"` : output, {
      dependsOn: names.slice(Math.max(0, i - edges), i),
      agentName: long,
      errorMessage,
    }),
  );
  const runs = names.flatMap((stepName, i) =>
    Array.from({ length: 5 }, (_, n) =>
      run(`${i}/${n}`.padEnd(36) as RunId, id, { stepName, status: "FAILED", errorMessage }),
    ),
  );
  return { steps, detail: { runs, input: JSON.stringify("i".repeat(MIB - 2)) } };
}

test("a Task as large as can be fits into one answer, with what matters most of it", async () => {
  const { steps, detail } = largest(64);
  const whole = await shown(steps, detail);

  expect(toBinary(TaskSchema, whole).length).toBeLessThanOrEqual(limits.messageBytes);
  expect(whole.inputJson).toHaveLength(MIB);
  expect(whole.outputJson).toHaveLength(MIB);
  expect(whole.steps).toHaveLength(1_000);
  expect(whole.steps.at(-1)).toMatchObject({ dependsOn: { length: 10 }, outputBytes: BigInt(MIB) });
  expect(whole.runs.length).toBeGreaterThan(1_000);
  expect(whole.runs.at(-1)).toMatchObject({ runId: "999/4".padEnd(36) });
});

test("even one whose Steps have the longest names fits, with its input and its Steps", async () => {
  const { steps, detail } = largest(193);
  const whole = await shown(steps, detail);

  expect(toBinary(TaskSchema, whole).length).toBeLessThanOrEqual(limits.messageBytes);
  expect(whole.inputJson).toHaveLength(MIB);
  expect(whole.steps.at(-1)).toMatchObject({ dependsOn: { length: 10 }, outputBytes: BigInt(MIB) });
  expect(whole.outputJson).toBe("");
});

test("a Task of a thousand Steps that each ran once is shown whole, results and errors too", async () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `step_${i}`);
  const steps = names.map((name, i) => done(name, "12345", { dependsOn: i > 0 ? ["step_0"] : [] }));
  const runs = names.map((stepName, i) =>
    run(`r${i}` as RunId, id, { stepName, status: "FAILED", errorMessage: "no" }),
  );
  const whole = await shown(steps, { runs });

  expect(whole.steps.filter(({ outputJson }) => outputJson === "12345")).toHaveLength(1_000);
  expect(whole.runs.filter(({ errorMessage }) => errorMessage === "no")).toHaveLength(1_000);
  expect(JSON.parse(whole.outputJson)).toMatchObject({ step_1: 12_345, step_999: 12_345 });
});
