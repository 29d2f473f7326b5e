/** RunTask and WaitTask over a whole plane on virtual time, without a protocol. */
import { expect, test } from "vitest";
import { runTask } from "#api/tasks/run-task";
import { waitTask } from "#api/tasks/wait-task";
import { type Request, run, StoredReads } from "#api/use-case";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { settle } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "../runtime/kit/bench-plane.js";
import { requestOf, servicesFor } from "./services.js";

const asked = {
  agentName: "echo",
  inputJson: '{"a":1}',
  createdBy: "",
  labels: {},
  idempotencyKey: "",
  priority: 0,
  timeoutMs: 0,
  maxAttempts: 0,
  namespace: "",
  workerSelector: {},
  correlationId: "",
  startAtMs: 0,
};

async function stage(bench?: BenchPlane, part: Partial<Request> = {}) {
  const plane = bench ?? (await startBench());
  const worker = plane.worker("w1");
  await plane.settle();
  const services = servicesFor(plane.plane, { entropy: plane.supervisor.core.entropy });
  const reserved: number[] = [];
  const request: Request = {
    ...requestOf(services),
    reserve: (bytes) => {
      reserved.push(bytes);
      return undefined;
    },
    ...part,
  };
  const runIt = (own: object = {}, waitMs = 0) =>
    run(runTask, { task: { ...asked, ...own }, waitMs }, request);
  const waitFor = (id: string, waitMs = 0) => run(waitTask, { id, waitMs }, request);
  const waits = () => plane.supervisor.waiters.count;
  return { bench: plane, worker, request, reserved, runIt, waitFor, waits };
}

test("RunTask answers with the whole ended Task; room for its answer is reserved only then, and no more than it needs", async () => {
  const { bench, worker, reserved, runIt, waits } = await stage();
  const answer = runIt();
  await bench.settle();
  expect([waits(), reserved]).toEqual([1, []]);
  await worker.report(worker.assigned().runId, "COMPLETED", { output: '{"b":1.10}' });
  const view = await answer;
  expect(view.task.state).toBe("complete");
  expect([view.output, view.input, view.steps?.length, view.runs?.length]).toEqual([
    '{"b":1.10}',
    '{"a":1}',
    1,
    1,
  ]);
  expect(reserved).toHaveLength(1);
  expect(reserved[0]).toBeLessThan(8_192);
  expect(waits()).toBe(0);
});

test("the answer of a Task with large input and result reserves at least what it takes", async () => {
  const { bench, worker, reserved, runIt } = await stage();
  const inputJson = JSON.stringify("x".repeat(600_000));
  const answer = runIt({ inputJson });
  await bench.settle();
  const output = JSON.stringify("y".repeat(700_000));
  await worker.report(worker.assigned().runId, "COMPLETED", { output });
  const view = await answer;
  expect(view.output).toBe(output);
  expect(reserved[0]).toBeGreaterThan(inputJson.length + 2 * output.length);
});

test("when the wait is over both answer with the Task as it stands", async () => {
  const { bench, runIt, waitFor, waits } = await stage();
  const ran = runIt({}, 5_000);
  await bench.clock.advance(5_000);
  const { task } = await ran;
  const waited = waitFor(task.id);
  await bench.clock.advance(limits.waitDefault - 1);
  expect(waits()).toBe(1);
  await bench.clock.advance(1);
  const view = await waited;
  expect([task.state, view.task.id, waits()]).toEqual(["steps_in_process", task.id, 0]);
});

test("the same key waits for the same Task: while it runs, and after its end; another request is refused", async () => {
  const { bench, worker, runIt, waits } = await stage();
  const first = runIt({ idempotencyKey: "k" });
  await bench.settle();
  const again = runIt({ idempotencyKey: "k" });
  await bench.settle();
  expect(waits()).toBe(2);
  await worker.report(worker.assigned().runId, "COMPLETED", { output: "7" });
  const views = [await first, await again, await runIt({ idempotencyKey: "k" })];
  expect(new Set(views.map(({ task }) => task.id)).size).toBe(1);
  expect(views.map(({ output }) => output)).toEqual(["7", "7", "7"]);
  await expect(runIt({ idempotencyKey: "k", inputJson: "2" })).rejects.toMatchObject({
    code: "key_conflict",
  });
  expect(waits()).toBe(0);
});

test("WaitTask of an ended Task answers at once; of an unknown or a foreign one it is not found", async () => {
  const { bench, worker, request, waitFor, waits } = await stage();
  const { task } = await bench.create();
  await worker.report(worker.assigned().runId, "FAILED", { errorMessage: "no" });
  await bench.settle();
  expect((await waitFor(task.id)).task.errorMessage).toBe("no");
  await expect(waitFor("nobody")).rejects.toMatchObject({ message: "Task not found: nobody" });
  const stranger = { principal: "x", namespaces: ["elsewhere"], roles: [] };
  const foreign = run(waitTask, { id: task.id, waitMs: 0 }, { ...request, caller: stranger });
  await expect(foreign).rejects.toMatchObject({ message: `Task not found: ${task.id}` });
  expect(waits()).toBe(0);
});

test("a Task that ends between the look at it and the wait is not waited for", async () => {
  const { bench, worker, request, waits } = await stage();
  const { task } = await bench.create();
  const { reads } = bench.plane;
  let looks = 0;
  const slow = {
    ...bench.plane,
    reads: {
      ...reads,
      task: async (id: typeof task.id) => {
        const seen = await reads.task(id);
        looks += 1;
        if (looks !== 1) return seen;
        await worker.report(worker.assigned().runId, "COMPLETED");
        await bench.settle();
        return seen;
      },
    },
  };
  const services = { ...request.services, plane: slow, stored: new StoredReads(slow.reads) };
  const view = await run(waitTask, { id: task.id, waitMs: 0 }, { ...request, services });
  expect([view.task.state, waits()]).toEqual(["complete", 0]);
});

test("a Task that is removed while its answer waits for room is not found", async () => {
  let admit = () => {};
  const room = new Promise<void>((resolve) => {
    admit = resolve;
  });
  const { bench, worker, waitFor } = await stage(undefined, { reserve: () => room });
  const { task } = await bench.create();
  await worker.report(worker.assigned().runId, "COMPLETED");
  await bench.settle();
  const answer = waitFor(task.id);
  await settle();
  await bench.clock.advance(limits.retentionMin + 1_000);
  await bench.store.removeFinished(bench.clock.now(), 10);
  admit();
  await expect(answer).rejects.toMatchObject({ code: "not_found" });
});

test("if too many wait already nothing is stored", async () => {
  const { bench, runIt, waits } = await stage();
  while (waits() < limits.waiters) bench.plane.wait(LOCAL_CALLER, `${waits()}` as never);
  await expect(runIt()).rejects.toMatchObject({
    code: "overloaded",
    details: { reason: "TOO_MANY_WAITERS" },
  });
  expect((await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks).toEqual([]);
});

test("a request that is refused leaves no wait behind", async () => {
  const { bench, runIt, waits } = await stage();
  bench.supervisor.core.actors.live({ type: "drain" });
  await expect(runIt()).rejects.toMatchObject({ code: "unavailable" });
  expect(waits()).toBe(0);
});

test.each([
  [{ agentName: "" }, 0, "task.agent_name", /^task\.agent_name or template is required/],
  [{ inputJson: "{" }, 0, "task.input_json", /^task\.input_json /],
  [{ priority: 101 }, 0, "task.priority", /^task\.priority is 101/],
  [{}, -1, "wait_ms", /^wait_ms is -1; send a number from 0 to 600000/],
  [{}, 600_001, "wait_ms", /^wait_ms is 600001; send a number from 0 to 600000.*send the request again/],
  [{}, 1.5, "wait_ms", /^wait_ms is no whole number/],
])("RunTask of %j for %j ms is refused by the field", async (own, waitMs, field, message) => {
  const { runIt, waits } = await stage();
  const fault = await runIt(own, waitMs).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({
    code: "invalid",
    details: { field },
    message: expect.stringMatching(message),
  });
  expect(waits()).toBe(0);
});

test("a fault of a template's input names the field within the request", async () => {
  const { bench, runIt } = await stage();
  const source = {
    name: "t",
    version: "1.0.0",
    namespace_name: "default",
    identity_strategy: "caller_provided",
  };
  const body = { ...source, steps: [{ name: "a", handler: { callable: "echo" } }] };
  await bench.plane.register(LOCAL_CALLER, {
    ...{ namespace: "default", name: "t", version: "1.0.0", source: "", digest: "d" },
    body: body as never,
  });
  const template = { namespace: "default", name: "t", version: "1.0.0" };
  await expect(runIt({ agentName: "", template })).rejects.toMatchObject({
    details: { field: "task.idempotency_key" },
    message: expect.stringMatching(/^task\.idempotency_key is required/),
  });
});
