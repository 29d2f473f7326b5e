/** Limits of how fast a namespace may create Tasks, as clients see them. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { allMounts, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;

beforeAll(async () => {
  // What one saves up in ten seconds is one Task.
  opened = await open({
    createRates: new Map([
      ["slow", 0.1],
      ["batches", 0.2],
    ]),
  });
  mount = allMounts(opened).at(-1) as Mount;
});
afterAll(() => opened.gateway.close(1_000));

const ask = (method: DescMethod, request: object) =>
  mount.call(method, [create(method.input, request as never) as Message]);
const { createTask, runTask, batchCreateTasks } = TaskService.method;

test("one Task too many is refused with the time after which there is room, and is not stored", async () => {
  const task = { agentName: "a", namespace: "slow" };
  expect((await ask(createTask, task)).error).toBeUndefined();
  const before = opened.plane.details.size;
  const { error } = await ask(createTask, task);
  expect(error).toMatchObject({ code: 8, reason: "CREATE_RATE" });
  expect(error?.retrySeconds).toBeGreaterThanOrEqual(0);
  expect((await ask(runTask, { task, waitMs: 1n })).error).toMatchObject({ reason: "CREATE_RATE" });
  expect(opened.plane.details.size).toBe(before);
  expect((await ask(createTask, { ...task, namespace: "other" })).error).toBeUndefined();
});

test("of a batch those are refused for which there is no room", async () => {
  const tasks = Array.from({ length: 4 }, () => ({ agentName: "a", namespace: "batches" }));
  const { answers } = await ask(batchCreateTasks, { tasks });
  const [{ results }] = answers as unknown as [{ results: { result: { case: string; value: object } }[] }];
  expect(results.map(({ result }) => result.case)).toEqual(["task", "task", "error", "error"]);
  expect(results[3]?.result.value).toMatchObject({ code: 8, reason: "CREATE_RATE" });
});
