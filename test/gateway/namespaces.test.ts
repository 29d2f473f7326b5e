import { create, type Message } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import { templateKey } from "#domain/template/template";
import { template } from "#testing/rows";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { FakePlane } from "./kit/fake-plane.js";
import { tableFor } from "./kit/table.js";

const alice: Caller = { principal: "alice", namespaces: ["alices"], roles: [] };
const bob: Caller = { principal: "bob", namespaces: ["bobs"], roles: [] };
const { createTask, getTask, cancelTask, retryTask, watchTask, getStepResult, listTasks } =
  TaskService.method;

test("another's Task does not exist, whatever is asked about it", async () => {
  const plane = new FakePlane();
  const ask = tableFor(plane);
  const task = (await ask(alice, createTask, { agentName: "a" })) as Message & {
    id: string;
    namespace: string;
  };
  const { id } = task;

  expect(task.namespace).toBe("alices");
  expect(await ask(alice, getTask, { id })).toMatchObject({ id });
  for (const method of [getTask, cancelTask, retryTask, watchTask]) {
    await expect.soft(ask(bob, method, { id })).rejects.toThrow(`Task not found: ${id}`);
  }
  await expect(ask(bob, getStepResult, { taskId: id, stepName: "main" })).rejects.toThrow(
    `Task not found: ${id}`,
  );
});

test("a namespace that is not the caller's holds nothing, and takes nothing", async () => {
  const plane = new FakePlane();
  const ask = tableFor(plane);
  await ask(alice, createTask, { agentName: "a" });

  expect(await ask(bob, listTasks, { namespace: "alices" })).toMatchObject({ tasks: [], nextPageToken: "" });
  await ask(bob, listTasks, {});
  expect(plane.filters).toEqual([{ namespaces: ["bobs"] }]);
  await expect(ask(bob, createTask, { agentName: "a", namespace: "alices" })).rejects.toMatchObject({
    code: "denied",
  });
});

test("a worker offers itself to namespaces of its caller only", async () => {
  const plane = new FakePlane();
  const ask = tableFor(plane);
  const info = { workerId: "w", namespaces: ["bobs", "alices"] };
  const payload = { case: "hello", value: { info } };
  const hello = create(RunClientMessageSchema, { payload } as never);

  await expect(ask(bob, RunService.method.streamConnect, { ...hello })).rejects.toMatchObject({
    code: "denied",
    details: { field: "info.namespaces" },
  });
  expect(plane.sinks).toEqual([]);
});

test("another's templates do not exist, and none is made for another", async () => {
  const plane = new FakePlane();
  const ask = tableFor(plane);
  const row = template("t", "1.0.0", { namespace: "alices" });
  plane.templates.set(templateKey(row), row);
  const named = { template: { namespace: "alices", name: "t" } };
  const source =
    "{name: t, namespace_name: alices, version: 1.1.0, steps: [{name: s, handler: {callable: a}}]}";
  const { get, list, register } = TemplateService.method;

  expect(await ask(alice, get, { template: { name: "t" } })).toMatchObject({ version: "1.0.0" });
  for (const [method, request] of [
    [get, named],
    [createTask, named],
  ] as const) {
    await expect.soft(ask(bob, method, request)).rejects.toMatchObject({
      code: "not_found",
      message: "Template not found: alices/t; register it first.",
    });
  }
  expect(await ask(bob, list, {})).toMatchObject({ templates: [] });
  expect(await ask(bob, list, { namespace: "alices" })).toMatchObject({ templates: [] });
  expect(await ask(alice, list, {})).toMatchObject({ templates: [{ name: "t" }] });
  await expect(ask(bob, register, { source })).rejects.toMatchObject({ code: "denied" });
  expect(await ask(alice, register, { source })).toMatchObject({ created: true });
});
