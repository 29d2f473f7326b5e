import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import { rpcs } from "#gateway/handlers/index";
import type { StreamCall } from "#gateway/rpc";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { FakePlane } from "./fake-plane.js";

const alice: Caller = { principal: "alice", namespaces: ["alices"], roles: [] };
const bob: Caller = { principal: "bob", namespaces: ["bobs"], roles: [] };
const { createTask, getTask, cancelTask, retryTask, watchTask, getStepResult, listTasks } =
  TaskService.method;

/** Calls a row of the table as somebody, without any transport; answers with the first answer. */
function tableFor(plane: FakePlane) {
  let drawn = 0;
  return async (caller: Caller, method: DescMethod, request: Record<string, unknown>): Promise<Message> => {
    const rpc = rpcs.find((each) => each.method === method);
    const entropy = { uuid: () => `id-${++drawn}`, draw: () => 0 };
    const call = { plane, entropy, caller, signal: new AbortController().signal } as unknown as StreamCall;
    const message = create(method.input, request);
    if (rpc?.kind === "unary") return rpc.handle(message, call);
    if (rpc === undefined) throw new Error(`${method.name} is not served`);
    async function* once() {
      yield message;
    }
    const answers = rpc.kind === "bidi_streaming" ? rpc.handle(once(), call) : rpc.handle(message, call);
    for await (const answer of answers) return answer;
    throw new Error("the stream ended without an answer");
  };
}

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
